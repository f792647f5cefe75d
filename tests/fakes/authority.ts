/** An authority for tests, with certificates that it has signed; made by OpenSSL, as administrators make them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Signed {
    readonly certificate: string;
    readonly key: string;
}

const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export class Authority {
    /** Its own certificate. */
    public readonly ca: string;
    private readonly dir = mkdtempSync(join(tmpdir(), "authority-"));

    public constructor(name: string, own?: Signed) {
        if (own === undefined) {
            const subject = ["-days", "90", "-subj", `/CN=${name}`];
            this.openssl("req", "-x509", ...curve, "-keyout", "ca.key", "-out", "ca.pem", ...subject);
        } else {
            writeFileSync(join(this.dir, "ca.key"), own.key, { mode: 0o600 });
            writeFileSync(join(this.dir, "ca.pem"), own.certificate);
        }
        this.ca = this.read("ca.pem");
    }

    /** One whose certificate this one has signed. */
    public authority(name: string): Authority {
        return new Authority(name, this.sign([`DNS:ca`], "basicConstraints=critical,CA:TRUE\n", name));
    }

    private openssl(...args: string[]): void {
        execFileSync("openssl", args, { cwd: this.dir, stdio: ["ignore", "ignore", "pipe"] });
    }

    private read(file: string): string {
        return readFileSync(join(this.dir, file), "utf8");
    }

    /** @param names e.g. ["IP:10.0.0.1", "DNS:m1"] */
    public sign(names: readonly string[], extensions = "", subject = "server"): Signed {
        writeFileSync(join(this.dir, "names"), `subjectAltName=${names.join(",")}\n${extensions}`);
        this.openssl("req", "-new", ...curve, "-keyout", "key.pem", "-out", "request.pem", "-subj", `/CN=${subject}`);
        const signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-extfile", "names"];
        this.openssl("x509", "-req", "-in", "request.pem", "-out", "certificate.pem", ...signing);
        return { certificate: this.read("certificate.pem"), key: this.read("key.pem") };
    }

    public remove(): void {
        rmSync(this.dir, { recursive: true });
    }
}
