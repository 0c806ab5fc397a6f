// Seeds as other systems write them, against oathtool, which reads them by itself: by the API (S7), and by
// `countersign users import` from JSON Lines, CSV, OATH CSV and PSKC. Each is right where the code of oathtool is accepted.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { binary, deployed, secretKey, serve, start, until } from "./lib/server.js";
import { oathtool } from "./lib/totp.js";
import { basic, call, client, unique } from "./lib/wire.js";

const A = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const HEX = "3132333435363738393031323334353637383930";
const LONG = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA";

/** `--totp` with what differs from the usual, and the secret as oathtool reads it. */
const codes = (secret, words = ["--base32"], period = 30) => (now) => {
  const how = words.some((word) => word.startsWith("--totp")) ? words : ["--totp", ...words];
  return oathtool([...how, `--time-step-size=${period}s`, `--now=@${now}`, secret]);
};
const base32 = (secret, ...words) => codes(secret, ["--base32", ...words]);

/** Signs a user in with the code of this moment. */
async function accepts(server, user, codeAt) {
  await until("enough of the step is left", () => 30 - ((Date.now() / 1000) % 30) > 3);
  const tracked = await call(`${server.api}/users/${user}/actions/signIn`, { authorization: basic(secretKey), body: {} });
  const said = await client(server, tracked.body.token).verify(codeAt(Math.floor(Date.now() / 1000)));
  return said.body.isVerified;
}

const uri = (secret, more = "") => `otpauth://totp/Acme:ada?secret=${encodeURIComponent(secret)}${more}`;

// What oathtool reads as it is, is handed to it as it is; the rest as the same secret without what people put between.
const byTheApi = [
  [uri(A), base32(A)],
  [uri(A.toLowerCase()), base32(A.toLowerCase())],
  [uri("JbSwY3dPeHpK3pXp"), base32("JbSwY3dPeHpK3pXp")],
  [uri("JBSW Y3DP EHPK 3PXP"), base32("JBSW Y3DP EHPK 3PXP")],
  [uri("JBSW-Y3DP-EHPK-3PXP"), base32("JBSWY3DPEHPK3PXP")],
  [uri("JBSW\u2013Y3DP\u00a0EHPK\u200b3PXP"), base32("JBSWY3DPEHPK3PXP")],
  [uri("JBSWY3DPEHPK3PXPJA======"), base32("JBSWY3DPEHPK3PXPJA======")],
  [uri("JBSWY3DPEHPK3PXPJA"), base32("JBSWY3DPEHPK3PXPJA")],
  [uri("JBSWY3DPEHPK3PXPJB"), base32("JBSWY3DPEHPK3PXPJB")],
  [uri("JBSWY3DPEHPK3PXPJ7"), base32("JBSWY3DPEHPK3PXPJ7")],
  [uri("JBSWY3DPEHPK3PXPJBAB"), base32("JBSWY3DPEHPK3PXPJBAB")],
  [uri("JBSWY3DPEHPK3PXPJBABB"), base32("JBSWY3DPEHPK3PXPJBABB")],
  [uri("JBSWY3DPEHPK3PXPJBABBBZ"), base32("JBSWY3DPEHPK3PXPJBABBBZ")],
  [uri("JBSWY3DPEHPK3PXP="), base32("JBSWY3DPEHPK3PXP")],
  [uri("ＪＢＳＷＹ３ＤＰＥＨＰＫ３ＰＸＰ"), base32("JBSWY3DPEHPK3PXP")],
  [`OTPAUTH://TOTP/ada?SECRET=${A}`, base32(A)],
  [uri(A, "&issuer=Another%20name"), base32(A)],
  [`otpauth://totp/A%20Bank%3Aada@example.com?issuer=B&secret=${A}`, base32(A)],
  [`otpauth://totp/?secret=${A}`, base32(A)],
  [uri(LONG, "&algorithm=SHA-256"), base32(LONG, "--totp=sha256")],
  [uri(LONG, "&algorithm=sha256&digits=8"), base32(LONG, "--totp=sha256", "--digits=8")],
  [uri(LONG, "&algorithm=HmacSHA512"), base32(LONG, "--totp=sha512")],
  [uri(A, "&digits=7"), base32(A, "--digits=7")],
  [uri(A, "&period=60"), codes(A, ["--base32"], 60)],
  [uri(A, "&digits=8&period=15&image=https%3A%2F%2Fexample.com%2Fa.png"), codes(A, ["--base32", "--digits=8"], 15)],
];

test("seeds in 25 URIs are what oathtool reads, by the API", async () => {
  const server = await serve();
  for (const [otpUri, codeAt] of byTheApi) {
    const user = unique("seed");
    const body = { verificationMethod: "AUTHENTICATOR_APP", otpUri };
    const made = await call(`${server.api}/users/${user}/authenticators`, { authorization: basic(secretKey), body });
    assert.equal(made.status, 200, `${otpUri}: ${JSON.stringify(made.body)}`);
    assert.equal(await accepts(server, user, codeAt), true, otpUri);
  }
});

test("what is no TOTP is refused by its name, by the API", async () => {
  const server = await serve();
  for (const [otpUri, says] of [
    [`otpauth://hotp/ada?secret=${A}&counter=1`, /HOTP/],
    [`otpauth://steam/Steam:ada?secret=${A}`, /Steam/],
    [`steam://${A}`, /Steam/],
    [`otpauth://totp/Steam:ada?secret=${A}&issuer=Steam`, /Steam/],
    ["otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8", /several apps/],
    [uri("JBSWY3DPEHPK3PXPJ"), /base32/],
    [uri("JBSW1Y3DPEHPK3PX"), /base32/],
    [uri("JBSWY3DP"), /10 to 128 bytes/],
    [uri(A, "&algorithm=MD5"), /SHA1, SHA256 and SHA512/],
  ]) {
    const body = { verificationMethod: "AUTHENTICATOR_APP", otpUri };
    const made = await call(`${server.api}/users/${unique("seed")}/authenticators`, { authorization: basic(secretKey), body });
    assert.equal(made.status, 400, otpUri);
    assert.match(made.body.errorDescription, says, otpUri);
  }
});

const jsonl = [
  [{ secret: "jbsw y3dp-ehpk 3pxp" }, base32("JBSWY3DPEHPK3PXP")],
  [{ secret: "JBSWY3DPEHPK3PXPJB" }, base32("JBSWY3DPEHPK3PXPJB")],
  [{ secret: LONG, algorithm: "SHA-256", digits: 8 }, base32(LONG, "--totp=sha256", "--digits=8")],
  [{ secret: uri(A, "&digits=8") }, base32(A, "--digits=8")],
  [{ secretHex: HEX }, codes(HEX, [])],
  [{ secretHex: "31:32:33:34:35:36:37:38:39:30:AB:CD" }, codes("31323334353637383930abcd", [])],
  [{ secretHex: "0x3132333435363738393031323334353637383930", period: 60 }, codes(HEX, [], 60)],
  [{ otpauthUri: uri(LONG, "&algorithm=SHA-512") }, base32(LONG, "--totp=sha512")],
];
const csv = [
  ["totpSecretHex,totpAlgorithm,totpDigits,totpPeriod", `${HEX},sha256,8,60`, codes(HEX, ["--totp=sha256", "--digits=8"], 60)],
  ["totpSecret,totpDigits", "JBSW Y3DP EHPK 3PXP,7", base32("JBSW Y3DP EHPK 3PXP", "--digits=7")],
];
const SHA256 = HEX.repeat(2).slice(0, 64);
const oath = [
  ["upn,serial number,secret key,time interval,manufacturer,model\r\n%,1234567,2234567abcdef2234567abcdef,60,Contoso,HardwareKey\r\n", codes("2234567abcdef2234567abcdef", ["--base32"], 60)],
  [`\ufeffupn,serial number,secret key,time interval,manufacturer,model\n%,77,${A},30,"Contoso, Ltd",Key\n`, base32(A)],
  [`# version: 2\n%,resolver,realm,T1,${HEX},totp,6,30\n`, codes(HEX, [])],
  [`# version: 2\n%, resolver, realm, T2, ${HEX}, TOTP, 8, 60\n`, codes(HEX, ["--digits=8"], 60)],
  [`# version: 2\n%,resolver,realm,T3,${SHA256},totp\n`, codes(SHA256, ["--totp=sha256"])],
];
const pskc = (user, value, more = "") => `<?xml version="1.0"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc"><KeyPackage>
<DeviceInfo><Manufacturer>oath.ACME</Manufacturer><SerialNo>987654321</SerialNo></DeviceInfo>
<Key Id="1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp"><AlgorithmParameters>${more}
<ResponseFormat Encoding="DECIMAL" Length="8"/></AlgorithmParameters>
<Data><Secret><PlainValue>${value}</PlainValue></Secret><Time><PlainValue>0</PlainValue></Time>
<TimeInterval><PlainValue>60</PlainValue></TimeInterval></Data><UserId>${user}</UserId></Key></KeyPackage></KeyContainer>`;
const documents = [
  [(user) => pskc(user, "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="), codes(HEX, ["--digits=8"], 60)],
  [(user) => pskc(`UID=${user},DC=example,DC=net`, "MTIzNDU2Nzg5MDEy\n MzQ1Njc4OTA=", "<Suite>HMAC-SHA256</Suite>"), codes(HEX, ["--totp=sha256", "--digits=8"], 60)],
  [(user) => readFileSync(path.resolve(import.meta.dirname, "../../../examples/migrate/tokens.pskc.xml"), "utf8").replace(/<pskc:UserId>.*<\//, `<pskc:UserId>${user}</`), codes(HEX, ["--digits=8"])],
];

test("seeds in 18 lines and files are what oathtool reads, by import", async (t) => {
  if (deployed) return; // Import writes to a directory of this machine.
  const directory = mkdtempSync(path.join(tmpdir(), "countersign-seeds-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const data = path.join(directory, "data");
  await (await start(["--data", data])).stop();

  const users = [];
  let files = 0;
  const brought = (name, text) => {
    const file = path.join(directory, `${files++}-${name}`);
    writeFileSync(file, text);
    const words = ["users", "import", file, "--data", data, "--output", "json"];
    const run = spawnSync(binary(), words, { encoding: "utf8" });
    assert.equal(run.status, 0, `${text}\n${run.stderr}${run.stdout}`);
  };
  const user = (codeAt) => {
    users.push([`user${users.length}`, codeAt]);
    return users.at(-1)[0];
  };
  brought("users.jsonl", "\ufeff" + jsonl.map(([app, codeAt]) => JSON.stringify({ userId: user(codeAt), totp: [app] })).join("\n"));
  for (const [columns, cells, codeAt] of csv) brought("users.csv", `userId,${columns}\n${user(codeAt)},${cells}\n`);
  for (const [text, codeAt] of oath) brought("tokens.csv", text.replace("%", user(codeAt)));
  for (const [text, codeAt] of documents) brought("tokens.xml", text(user(codeAt)));

  assert.equal(users.length, 18);
  const server = await start(["--data", data]);
  try {
    for (const [name, codeAt] of users) assert.equal(await accepts(server, name, codeAt), true, name);
  } finally {
    await server.stop();
  }
});
