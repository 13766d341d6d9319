// An OpenID Connect issuer that gives out access tokens as JWTs (RFC 9068) for the client credentials grant with a
// resource indicator (RFC 8707). The keys are a file, a JWK Set of private keys: all are published, and the first one
// signs. HUP reads the file anew, as an operator's rotation would. Tokens without a resource are opaque: clients ask
// what they say (RFC 7662), and take them back (RFC 7009).
//
//   node server.mjs PORT KEYS_FILE LIFETIME_SECONDS CLIENTS_FILE    (a list of clients beside the usual one)
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { errors, Provider } from "oidc-provider";

const [port, keysFile, lifetime] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4])];
const moreClients = JSON.parse(readFileSync(process.argv[5], "utf8"));
const issuer = `http://127.0.0.1:${port}`;

function resourceOf(indicator, { kid, alg }) {
  if (!indicator.startsWith("urn:service:")) throw new errors.InvalidTarget();
  return { scope: "read", audience: indicator, accessTokenFormat: "jwt", jwt: { sign: { alg, kid } } };
}

function clientFor({ alg }, client) {
  return {
    ...client,
    grant_types: ["client_credentials"],
    redirect_uris: [],
    response_types: [],
    id_token_signed_response_alg: alg, // it gets none, but the provider wants a key for them
  };
}

function providerWith(jwks) {
  const [signing] = jwks.keys;
  const worker = { client_id: "worker", client_secret: "the-secret-of-the-worker-which-nobody-guesses" };
  return new Provider(issuer, {
    jwks,
    clients: [worker, ...moreClients].map((client) => clientFor(signing, client)),
    ttl: { ClientCredentials: lifetime },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (context, indicator) => resourceOf(indicator, signing),
      },
    },
  }).callback();
}

let answer;
function readKeys() {
  answer = providerWith(JSON.parse(readFileSync(keysFile, "utf8")));
}

readKeys();
process.on("SIGHUP", readKeys);
createServer((request, response) => answer(request, response)).listen(port, "127.0.0.1");
