"""neutron-linuxbridge-agent with one mend: new kernels refuse to delete an ebtables rule with a set of addresses in it.

The agent tries again for ever, and wires no other instance meanwhile. Emptying the chain works, and does the same.
"""
import sys

from neutron.cmd.eventlet.plugins.linuxbridge_neutron_agent import main    # first, as in nova_compute.py
from neutron.plugins.ml2.drivers.linuxbridge.agent import arp_protect


def delete_address_rules(vif, current_rules):
    chain = arp_protect._mac_chain_name(vif)
    if any("-i %s" % vif in rule and "--among-src" in rule for rule in current_rules):
        arp_protect.ebtables(["-F", chain])
        arp_protect.ebtables(["-A", chain, "-j", "DROP"])


arp_protect._delete_vif_mac_rules = delete_address_rules
sys.exit(main())
