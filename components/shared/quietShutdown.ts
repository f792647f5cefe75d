/**
 * When the engine stops at a refused resource, calls of the program that are still on their way fail, and the SDK reports
 * each with a stack trace that buries the one message that matters. Those reports, and only those, are dropped.
 */
export function quietShutdown(): void {
    const report = console.error.bind(console);
    console.error = (...parts: unknown[]): void => {
        const text = parts.map(String).join(" ");
        if (!(text.startsWith("failed to deliver log message") && /monitor (shut down|is terminating)/.test(text))) {
            report(...parts);
        }
    };
}
