export * from "./credential";
export * from "./errors";
export * from "./frameworkId";
export * from "./masters";
export * from "./messages";
export * from "./operations";
export * from "./ranges";
export * from "./resources";
export { frameworkInfo, type FrameworkDescription, type Handler, Scheduler, type SchedulerOptions } from "./scheduler";
