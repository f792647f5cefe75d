/** What CCTools 8.0 (Debian's 9.9-2) answered, shortened to what is looked at and what surrounds it. */

export const category = (name: string, waiting: number, more: object = {}): object => ({
    max_allocation_count: waiting,
    first_allocation_count: 0,
    workers_able: 0,
    tasks_running: 0,
    tasks_waiting: waiting,
    category: name,
    ...more,
});

/** A manager of four tasks: two of one core, one of two, one of four with a GPU. */
export const MIXED = {
    name: "localhost",
    lastheardfrom: 1_795_688_574,
    address: "127.0.0.1",
    tasks_total_gpus: 1,
    tasks_total_disk: 256,
    tasks_total_memory: 2240,
    tasks_total_cores: 8,
    categories: [
        category("whole queue", 4, { max_disk: "64", max_memory: "2048", max_cores: "4.000" }),
        category('"small"', 2),
        category('"big"', 1),
        category('"gpu"', 1),
    ],
    cores_total: 0,
    tasks_running: 0,
    tasks_on_workers: 0,
    tasks_done: 0,
    tasks_waiting: 4,
    workers_connected: 0,
    port: 1025,
    version: "8.0.0 DEVELOPMENT",
    owner: "root",
    project: "alirelval_test",
    type: "wq_master",
};

export const MIXED_TASKS = [
    { priority: "0", disk: 64, memory: 64, gpus: -1, cores: 1, category: '"small"', state: "WAITING", taskid: 4 },
    { priority: "0", disk: 64, memory: 64, gpus: -1, cores: 1, category: '"small"', state: "running", taskid: 3 },
    { priority: "0", disk: 64, memory: 2048, gpus: 1, cores: 4, category: '"big"', state: "WAITING", taskid: 2 },
    { priority: "0", disk: 64, memory: 64, gpus: -1, cores: 2, category: '"gpu"', state: "WAITING", taskid: 1 },
];

/** One of six tasks of one core, two of them on a worker of two cores. */
export const SAME = {
    ...MIXED,
    tasks_total_gpus: 0,
    tasks_total_disk: 384,
    tasks_total_memory: 384,
    tasks_total_cores: 6,
    categories: [category("whole queue", 4, { max_disk: "64", max_memory: "64", max_cores: "1.000" })],
    cores_total: 2,
    tasks_running: 2,
    tasks_on_workers: 2,
    tasks_waiting: 4,
    workers_connected: 1,
    port: 1026,
    project: "alirelval_same",
};

/** One of two tasks that say nothing of themselves. */
export const SILENT = {
    ...MIXED,
    tasks_total_gpus: 0,
    tasks_total_disk: 0,
    tasks_total_memory: 0,
    tasks_total_cores: 0,
    categories: [category("whole queue", 2), category("default", 2)],
    tasks_waiting: 2,
    port: 1027,
    project: "silent",
};

/** What makeflow tells the catalog beside its manager. */
export const MAKEFLOW = {
    name: "localhost",
    lastheardfrom: 1_795_688_574,
    address: "127.0.0.1",
    batch_type: "wq",
    owner: "root",
    project: "alirelval_test",
    waiting: 4,
    running: 0,
    total: 4,
    type: "makeflow",
};
