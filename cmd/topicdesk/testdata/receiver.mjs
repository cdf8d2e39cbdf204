// A receiver of webhooks that shares no code with Topicdesk. It checks signatures as Standard Webhooks 1.0.0 says, with
// node's own crypto.
//
// It writes its URL to stdout first, then one line of JSON for each delivery. Each line of stdin is a secret, to be
// known from then on.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const secrets = [];
const tolerance = 5 * 60; // seconds

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

// signersOf returns the places, among the secrets, of those by which a delivery is signed.
function signersOf(headers, body) {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  if (!id || !/^[0-9]+$/.test(timestamp ?? "")) throw new Error("headers are missing");
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > tolerance) throw new Error("it is too old, or from the future");
  const signatures = (headers["webhook-signature"] ?? "")
    .split(" ")
    .filter((s) => s.startsWith("v1,"))
    .map((s) => Buffer.from(s.slice("v1,".length), "base64"));
  const signers = [];
  secrets.forEach((secret, place) => {
    const key = Buffer.from(secret.slice("whsec_".length), "base64");
    const want = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
    if (signatures.some((s) => s.length === want.length && timingSafeEqual(s, want))) signers.push(place);
  });
  if (signers.length === 0) throw new Error("no signature is by a secret that is known");
  return { signers, signatures: signatures.length };
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    try {
      const { signers, signatures } = signersOf(request.headers, body);
      const event = JSON.parse(body.toString("utf8")); // only now
      if (event.id !== request.headers["webhook-id"]) throw new Error("the header names another event");
      say({ ticketId: event.ticketId, number: event.number, signers, signatures });
      response.writeHead(204).end();
    } catch (error) {
      say({ error: error.message, headers: request.headers, body: body.toString("utf8") });
      response.writeHead(400).end();
    }
  });
});

createInterface({ input: process.stdin })
  .on("line", (line) => secrets.push(line.trim()))
  .on("close", () => process.exit(0));
server.listen(0, "127.0.0.1", () => say({ url: `http://127.0.0.1:${server.address().port}/hook` }));
