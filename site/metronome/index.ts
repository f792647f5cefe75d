/** Metronome's jobs and schedules as data: what a server says to them, their one normal form. */
export { CronError, isSameCron, parseCron, runDays } from "./cron";
export { checkJob, checkJobs, inspectJob, type Job, normalizeJob } from "./job";
export { checkSchedule, isTimeZone, MAX_GAP_DAYS, normalizeSchedule, type Schedule } from "./schedule";
export { type Finding, Findings, formatFindings, isRefused, type Refusal, refusalOf } from "../definitions/finding";
