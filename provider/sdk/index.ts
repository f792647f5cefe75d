/** The plugin's resources and functions, for programs. */
export * from "./certificates";
export * from "./checkCloud";
export * from "./generatedSecret";
export * from "./hostConfig";
export * from "./lookup";
export * from "./machine";
export * from "./services";
export * from "./zookeeperOwner";
