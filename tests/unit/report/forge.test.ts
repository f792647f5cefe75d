/** Comments against a server that keeps them as GitHub and GitLab do: pages, rights, trouble that passes. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { cut, github, gitlab, putComment, RequestFailed } from "../../../report/forge";
import { commentMark } from "../../../report/markdown";

interface Kept {
    readonly id: number;
    body: string;
    readonly owner: string;
}

let server: Server;
let url: string;
let kept: Kept[];
let asked: string[];
let troubles: number;
let token: string | undefined;

const read = async (request: IncomingMessage): Promise<string> => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    return text;
};

beforeAll(async () => {
    server = createServer((request, response) => {
        void read(request).then((text) => {
            const at = new URL(request.url ?? "", "http://x");
            asked.push(`${request.method ?? ""} ${at.pathname}`);
            const answer = (status: number, body: unknown): void => {
                response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
            };
            const bearer = request.headers.authorization?.replace("Bearer ", "");
            if ((bearer ?? request.headers["private-token"]) !== token)
                return answer(401, { message: "Bad credentials" });
            if (troubles-- > 0) return answer(502, { message: "Server Error" });
            const id = Number(/(?:comments|notes)\/(\d+)$/.exec(at.pathname)?.[1]);
            if (request.method === "GET") {
                const [page, size] = [Number(at.searchParams.get("page")), Number(at.searchParams.get("per_page"))];
                return answer(200, kept.slice((page - 1) * size, page * size));
            }
            const { body } = JSON.parse(text) as { body: string };
            if (request.method === "POST") {
                kept.push({ id: kept.length + 1, body, owner: "pipeline" });
                return answer(201, kept.at(-1));
            }
            const one = kept.find((comment) => comment.id === id);
            if (one === undefined) return answer(404, { message: "Not Found" });
            if (one.owner !== "pipeline") return answer(403, { message: "Must have admin rights" });
            one.body = body;
            return answer(200, one);
        });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
    [kept, asked, troubles, token] = [[], [], 0, "t0ken"];
});

const places = {
    GitHub: () => github({ url, repository: "site/mesos", pull: "7", token: "t0ken", pauseMs: 1 }),
    GitLab: () => gitlab({ url, project: "site/mesos", request: "7", token: "t0ken", pauseMs: 1 }),
};
const mark = commentMark("prod");

describe.each(Object.entries(places))("%s", (_, place) => {
    test("the first page is made, the next ones edit it; another stack has its own", async () => {
        expect(await putComment(place(), mark, `${mark}\none`)).toBe("made");
        expect(await putComment(place(), mark, `${mark}\ntwo`)).toBe("edited");
        const lab = commentMark("lab");
        expect(await putComment(place(), lab, `${lab}\nthree`)).toBe("made");
        expect(kept.map(({ body }) => body)).toEqual([`${mark}\ntwo`, `${lab}\nthree`]);
    });

    test("it is found behind hundreds of others", async () => {
        kept = Array.from({ length: 250 }, (_value, i) => ({ id: i + 1, body: `talk ${i}`, owner: "somebody" }));
        kept.push({ id: 251, body: `${mark}\nold`, owner: "pipeline" });
        expect(await putComment(place(), mark, `${mark}\nnew`)).toBe("edited");
        expect(kept).toHaveLength(251);
    });

    test("a page that somebody has copied is left alone", async () => {
        kept = [{ id: 1, body: `${mark}\ncopied`, owner: "somebody" }];
        expect(await putComment(place(), mark, `${mark}\nown`)).toBe("made");
        expect(kept[0]?.body).toBe(`${mark}\ncopied`);
    });

    test("trouble that passes is waited for; a refused token is not, and is not shown", async () => {
        kept = [{ id: 1, body: mark, owner: "pipeline" }];
        troubles = 2;
        expect(await putComment(place(), mark, `${mark}\nx`)).toBe("edited");
        token = "another";
        asked = [];
        const refused = putComment(place(), mark, mark);
        await expect(refused).rejects.toThrow(/HTTP 401/);
        await expect(refused).rejects.not.toThrow(/t0ken/);
        expect(asked).toHaveLength(1);
    });

    test("a comment that may have been made is not made twice", async () => {
        await expect(
            putComment(
                {
                    ...place(),
                    list: () => Promise.resolve([]),
                    create: (body) => ((troubles = 1), place().create(body)),
                },
                mark,
                mark,
            ),
        ).rejects.toThrow(RequestFailed);
        expect(asked.filter((line) => line.startsWith("POST"))).toHaveLength(1);
    });
});

test("a comment that is too long is cut between lines, in bytes", () => {
    const text = Array.from({ length: 100 }, () => "ääää").join("\n");
    const short = cut(text, 200);
    expect(Buffer.byteLength(short)).toBeLessThanOrEqual(200);
    expect(short).toMatch(/^(ääää\n)+\n_Cut off/);
    expect(cut("short", 200)).toBe("short");
});
