/** Suites of five to fifteen minutes each: the tier `long`, which `npm test` leaves out (`node tests/run.mjs long`). */
module.exports = [
    "builds",
    "fiveServers",
    "https",
    "lostHosts",
    "monitoring",
    "renewal",
    "rescue",
    "together",
    "upgrade",
    "workqueue",
];
