/** An S3-compatible store. It knows no renaming: a backup is there when its manifest is, which is written last and removed first. */
import {
    DeleteObjectsCommand,
    GetObjectCommand,
    paginateListObjectsV2,
    PutObjectCommand,
    S3Client,
} from "@aws-sdk/client-s3";
import { BackupError, manifestName } from "./manifest";
import type { Store } from "./store";

export interface S3Access {
    /** Base URL of the store, e.g. "https://s3.example.org". */
    readonly endpoint: string;
    readonly region: string;
    readonly accessKey: string;
    readonly secretKey: string;
}

export class S3Store implements Store {
    private readonly client: S3Client;
    private readonly bucket: string;
    /** Empty, or ends with a slash. */
    private readonly prefix: string;

    /** @param where `s3://bucket[/folder]` */
    public constructor(
        public readonly where: string,
        { endpoint, region, accessKey, secretKey }: S3Access,
    ) {
        // Which Node.js runs this is the project's matter, not its user's.
        process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";
        const { hostname, pathname } = new URL(where);
        this.bucket = hostname;
        this.prefix = pathname.replace(/^\/+|\/+$/g, "").replace(/(?<=.)$/, "/");
        this.client = new S3Client({
            endpoint,
            region,
            credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
            // Only Amazon's has a host name for each bucket, and checksums in trailers.
            forcePathStyle: true,
            requestChecksumCalculation: "WHEN_REQUIRED",
            responseChecksumValidation: "WHEN_REQUIRED",
        });
    }

    private async asked<T>(what: string, work: Promise<T>): Promise<T> {
        try {
            return await work;
        } catch (error) {
            const { name, message } = error as Error;
            throw new BackupError(
                `${this.where}: ${what}: ${message === "" || message === "UnknownError" ? name : message}`,
            );
        }
    }

    /** @param below keys that begin so, after the store's own folder */
    private async keys(below = ""): Promise<string[]> {
        const found: string[] = [];
        const pages = paginateListObjectsV2(
            { client: this.client },
            { Bucket: this.bucket, Prefix: this.prefix + below },
        );
        for await (const { Contents = [] } of pages)
            found.push(...Contents.flatMap((one) => one.Key?.slice(this.prefix.length) ?? []));
        return found;
    }

    public async list(): Promise<string[]> {
        const keys = await this.asked("list", this.keys());
        return keys.flatMap((key) => {
            const [folder = "", file, ...more] = key.split("/");
            return file === manifestName && more.length === 0 ? [folder] : [];
        });
    }

    public async read(folder: string, file: string): Promise<Buffer> {
        const Key = `${this.prefix}${folder}/${file}`;
        const read = async (): Promise<Buffer> => {
            const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.bucket, Key }));
            return Buffer.from((await Body?.transformToByteArray()) ?? []);
        };
        return this.asked(`read ${folder}/${file}`, read());
    }

    private async put(folder: string, file: string, content: Buffer): Promise<void> {
        const Key = `${this.prefix}${folder}/${file}`;
        await this.asked(
            `write ${folder}/${file}`,
            this.client.send(new PutObjectCommand({ Bucket: this.bucket, Key, Body: content })),
        );
    }

    public async publish(folder: string, files: Readonly<Record<string, Buffer>>): Promise<void> {
        const { [manifestName]: manifest, ...rest } = files;
        for (const [name, content] of Object.entries(rest)) await this.put(folder, name, content);
        if (manifest !== undefined) await this.put(folder, manifestName, manifest);
    }

    public async remove(folder: string): Promise<void> {
        const keys = await this.asked("list", this.keys(`${folder}/`));
        const isManifest = (key: string): boolean => key === `${folder}/${manifestName}`;
        for (const some of [keys.filter(isManifest), keys.filter((key) => !isManifest(key))]) {
            if (some.length === 0) continue;
            const Objects = some.map((key) => ({ Key: this.prefix + key }));
            const { Errors = [] } = await this.asked(
                `remove ${folder}`,
                this.client.send(new DeleteObjectsCommand({ Bucket: this.bucket, Delete: { Objects, Quiet: true } })),
            );
            if (Errors.length > 0)
                throw new BackupError(`${this.where}: remove ${folder}: ${Errors[0]?.Message ?? ""}`);
        }
    }
}
