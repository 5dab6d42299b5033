// A copy of the admin's certificate that ends soon: the same key, name and serial, signed by the
// server's own authority.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const PASSWORD = "short-lived";

/** `ready` is what the demo says when it is up. `endsAt` is a whole second. */
export function shortLived({ adminCert, adminKey, clientCa }, lifeMs) {
  const folder = mkdtempSync(join(tmpdir(), "portlama-short-lived-"));
  const at = (name) => join(folder, name);
  const openssl = (...args) => execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] }).toString().trim();
  const field = (name) => openssl("x509", "-in", adminCert, "-noout", name).replace(/^\w+=\s*/, "");

  const endsAt = Math.ceil((Date.now() + lifeMs) / 1000) * 1000;
  writeFileSync(at("index"), "");
  writeFileSync(at("serial"), field("-serial"));
  writeFileSync(at("ca.conf"), CONFIG.replaceAll("FOLDER", folder));
  openssl("x509", "-x509toreq", "-in", adminCert, "-signkey", adminKey, "-out", at("request.pem"));
  openssl(
    ...["ca", "-batch", "-notext", "-config", at("ca.conf"), "-cert", clientCa],
    ...["-keyfile", join(dirname(clientCa), "ca.key"), "-preserveDN"],
    ...["-in", at("request.pem"), "-out", at("copy.pem"), "-enddate", asn1(endsAt)],
  );
  openssl(
    ...["pkcs12", "-export", "-in", at("copy.pem"), "-inkey", adminKey, "-name", "admin"],
    ...["-passout", `pass:${PASSWORD}`, "-out", at("copy.p12")],
  );
  const remove = () => rmSync(folder, { recursive: true, force: true });
  return { p12: { file: at("copy.p12"), password: PASSWORD }, endsAt, remove };
}

/** `YYYYMMDDHHMMSSZ` */
function asn1(time) {
  return new Date(time).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
}

const CONFIG = `
[ca]
default_ca = copies
[copies]
new_certs_dir = FOLDER
database = FOLDER/index
serial = FOLDER/serial
default_md = sha256
policy = any_name
x509_extensions = client
[any_name]
commonName = supplied
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
`;
