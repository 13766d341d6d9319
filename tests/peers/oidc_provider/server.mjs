// An OpenID Connect issuer that gives out access tokens as JWTs (RFC 9068) for the client credentials grant with a
// resource indicator (RFC 8707). The keys are a file, a JWK Set of private keys: all are published, and the first one
// signs. HUP reads the file anew, as an operator's rotation would.
//
//   node server.mjs PORT KEYS_FILE LIFETIME_SECONDS
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { errors, Provider } from "oidc-provider";

const [port, keysFile, lifetime] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4])];
const issuer = `http://127.0.0.1:${port}`;

function resourceOf(indicator, { kid, alg }) {
  if (!indicator.startsWith("urn:service:")) throw new errors.InvalidTarget();
  return { scope: "read", audience: indicator, accessTokenFormat: "jwt", jwt: { sign: { alg, kid } } };
}

function clientFor({ alg }) {
  return {
    client_id: "worker",
    client_secret: "the-secret-of-the-worker-which-nobody-guesses",
    grant_types: ["client_credentials"],
    redirect_uris: [],
    response_types: [],
    id_token_signed_response_alg: alg, // it gets none, but the provider wants a key for them
  };
}

function providerWith(jwks) {
  const [signing] = jwks.keys;
  return new Provider(issuer, {
    jwks,
    clients: [clientFor(signing)],
    ttl: { ClientCredentials: lifetime },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
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
