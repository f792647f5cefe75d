import { UserError } from "../resources/resource";
import { type Clock, realClock } from "../rollout/strategy";
import type { OpenStack } from "./openstack";

/** Seconds until a deleted server must be gone. */
const PATIENCE_SEC = 180;

/**
 * Deletes a server and waits until Nova knows it no more.
 *
 * @param what How the error calls it
 * @throws UserError when it is still there after three minutes
 */
export async function serverGone(api: OpenStack, id: string, what: string, clock: Clock = realClock): Promise<void> {
    await api.deleteServer(id);
    for (let waited = 0; (await api.server(id)) !== undefined; waited += 2) {
        if (waited > PATIENCE_SEC) {
            throw new UserError(`${what} does not go away within ${PATIENCE_SEC} s of its deletion: ask Nova why`);
        }
        await clock.sleep(2000);
    }
}
