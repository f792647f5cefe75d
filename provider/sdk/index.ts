/** The resource classes that programs use. What the resources do is in `provider/resources/`. */
export { GeneratedSecret } from "./generatedSecret";
export { HostConfig, type HostConfigArgs } from "./hostConfig";
export * from "./services";
