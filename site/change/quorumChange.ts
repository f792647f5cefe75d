import type { Issue } from "../plan/types";
export function checkZooKeeperChange(_a: unknown, _b: unknown): Issue[] {
    return [];
}
export function checkMasterChange(_a: unknown, _b: unknown, _c: boolean): Issue[] {
    return [];
}
