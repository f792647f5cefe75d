/** Checks of what a change does to the two quorums of a site: ZooKeeper's and the masters'. */
export { checkMasterChange } from "./masterChange";
export { checkZooKeeperChange, couldSplit } from "./zookeeperChange";
