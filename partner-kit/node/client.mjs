// A payment partner in one file: takes instructions, pays each once and reports it, whatever breaks in between.
//
// node client.mjs TARGET PARTNER BOOK [--once] [--tls DIR]    work; without --once wait for more instructions
// node client.mjs statement BOOK                              the book as CSV, for `ledger-server reconcile`
//
// DIR has ca.pem (who signed the server's certificate), partner.pem and partner.key (yours). Needs @grpc/grpc-js and its loader.
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const KIT = path.join(import.meta.dirname, "..");
const OPEN = ["INSTRUCTION_STATUS_INSTRUCTED", "INSTRUCTION_STATUS_ACCEPTED"];
const config = fs.readFileSync(path.join(KIT, "service-config.json"), "utf8");
const options = { "grpc.service_config": config, "grpc.keepalive_time_ms": 30_000 };
const set = fs.readFileSync(path.join(KIT, "descriptors.binpb"));
const contract = loader.loadFileDescriptorSetFromBuffer(set, { longs: String, enums: String, defaults: true, oneofs: true });
const { PayoutService } = grpc.loadPackageDefinition(contract).prakerja.ledger.v1;

// What was taken, paid and reported: on disk before anybody is told, a line of JSON each. The only memory there is.
class Book {
  payments = new Map();
  constructor(file) {
    const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
    const whole = text.slice(0, text.lastIndexOf("\n") + 1); // a last line that was cut off counts for nothing
    fs.writeFileSync(file, whole);
    [this.file, this.next] = [fs.openSync(file, "a"), ""];
    for (const line of whole.split("\n").filter(Boolean)) this.fold(JSON.parse(line));
  }
  write(entry) {
    fs.writeSync(this.file, JSON.stringify(entry) + "\n");
    fs.fdatasyncSync(this.file), this.fold(entry);
  }
  fold({ taken, next, instruction, ...rest }) {
    for (const one of taken ?? []) if (!this.payments.has(one.instruction)) this.payments.set(one.instruction, one);
    this.next = next || this.next;
    if (instruction) Object.assign(this.payments.get(instruction), rest);
  }
}

const timestamp = (nanos) => ({ seconds: String(BigInt(nanos) / 1_000_000_000n), nanos: Number(BigInt(nanos) % 1_000_000_000n) });

async function work(client, partner, book, follow) {
  const who = new grpc.Metadata(); // with TLS the certificate says who you are
  who.set("x-ledger-actor", `partner/${partner}`);
  const number = `PARTNER_${partner.toUpperCase()}`;
  const call = (name, message) =>
    new Promise((done, failed) => client[name](message, who, (error, answer) => (error ? failed(error) : done(answer))));
  async function payAndTell() {
    for (const { instruction } of [...book.payments.values()].filter((payment) => payment.kind === undefined)) {
      const now = (await call("GetInstruction", { instruction })).instruction;
      const kind = !OPEN.includes(now.status) ? "" : now.recalled ? "REJECTED" : "SETTLED"; // "": it ended without us
      // Your transfer goes here, if SETTLED, with the instruction as its idempotency key: after a crash it is asked again.
      book.write({ instruction, kind, at: String(BigInt(Date.now()) * 1_000_000n) });
    }
    for (let rows; (rows = [...book.payments.values()].filter((p) => p.kind && !p.answer).slice(0, 1000)).length; ) {
      const outcomes = rows.map(({ instruction, kind, amount, at }) => ({ // the same words at each try: a repeat is no second payment
        partner: number, instruction, kind: `OUTCOME_KIND_${kind}`, amount_rupiah: amount, occurred_at: timestamp(at),
        ...(kind === "SETTLED" ? { transaction_reference: `${partner}-${instruction}` } : { raw_code: "CUST", code_system: "CODE_SYSTEM_ISO20022" }),
      }));
      const { results } = await call("ReportOutcomes", { outcomes });
      results.forEach(({ rejection, exception_cause }, index) => {
        const answer = rejection ? `refused: ${rejection.message}` : "recorded";
        if (rejection || exception_cause !== "EXCEPTION_CAUSE_UNSPECIFIED") // people look at these: ListExceptions
          console.error(rows[index].instruction, answer, exception_cause);
        book.write({ instruction: rows[index].instruction, answer });
      });
    }
  }
  await payAndTell(); // what an earlier run left
  for await (const message of client.StreamInstructions({ partner: number, from_instruction: book.next, follow }, who)) {
    const taken = message.instructions.map((i) => ({ instruction: i.instruction, token: i.account_token, amount: i.amount_rupiah }));
    book.write({ taken, next: message.next_instruction }), await payAndTell();
  }
}

const [target, partner, file] = process.argv.slice(2), flag = process.argv.indexOf("--tls");
if (target === "statement") {
  console.log("instruction,amount,date");
  for (const { instruction, amount, kind, at } of new Book(partner).payments.values())
    if (kind === "SETTLED") console.log([instruction, amount, new Date(Number(at) / 1e6 + 7 * 3.6e6).toISOString().slice(0, 10)].join());
  process.exit();
}
const pem = (name) => fs.readFileSync(path.join(process.argv[flag + 1], name));
const credentials = flag < 0 ? grpc.credentials.createInsecure() : grpc.credentials.createSsl(...["ca.pem", "partner.key", "partner.pem"].map(pem));
for (const book = new Book(file); ; await sleep(200)) {
  const client = new PayoutService(target, credentials, options);
  try {
    await work(client, partner, book, !process.argv.includes("--once"));
    process.exit();
  } catch (error) {
    if (error.code !== grpc.status.UNAVAILABLE) throw error;
  } finally {
    client.close();
  }
}
