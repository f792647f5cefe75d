/** Marathon's apps, pods and groups as data: what a server says to them, their one normal form, what a change does. */
export { type CheckedApp, checkApp, inspectApp } from "./checkApp";
export { appSets, type Change, classifyChange, isSameApp, keepServerChosen } from "./change";
export { checkTogether, type Declared } from "./clashes";
export { type Capacity, checkFit, type Demand, demandOfApp, demandOfJob, demandOfPod } from "./fit";
export { checkGroup, cyclesOf, dependenciesOf, type FlatGroup, flattenGroup, type GroupSettings } from "./group";
export { type App, normalizeApp } from "./normalizeApp";
export { absoluteId, parentOf, topGroup } from "./paths";
export { checkPod, inspectPod, normalizePod } from "./pod";
export { factsOfInfo, factsSaid, type MarathonFacts, plainMarathon } from "./server";
export { type Finding, Findings, formatFindings, isRefused, type Refusal, refusalOf } from "../definitions/finding";
