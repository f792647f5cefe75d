/** Classifiers of changes, for previews. */
export { classifyAgentChange, type AgentChange, type AgentChangeKind } from "./agentChange";
export { checkMasterChange } from "./masterChange";
export { checkZooKeeperChange, couldSplit } from "./zookeeperChange";
