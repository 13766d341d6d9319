// Signs and verifies with npm's `jose` and `jsonwebtoken`: an array of jobs on standard input, one of answers on
// standard output, in the same order.
//
//   {"library": "jose", "sign": {…claims}, "algorithm": "ES256", "key": {"private": PEM}}           {"token": "…"}
//   {"library": "jose", "verify": "…token", "algorithms": ["ES256"], "key": {"public": PEM}}       {"claims": {…}}
//
// The key of an HMAC is {"secret": TEXT}. A library that refuses answers {"error": "its own words"}.
"use strict";
const { createPrivateKey, createPublicKey, createSecretKey } = require("crypto");
const jose = require("jose");
const jsonwebtoken = require("jsonwebtoken");

const libraries = {
  jose: {
    sign: (claims, alg, key) => new jose.SignJWT(claims).setProtectedHeader({ alg, typ: "JWT" }).sign(key),
    verify: async (token, algorithms, key) => (await jose.jwtVerify(token, key, { algorithms })).payload,
  },
  jsonwebtoken: {
    sign: (claims, algorithm, key) => jsonwebtoken.sign(claims, key, { algorithm }),
    verify: (token, algorithms, key) => jsonwebtoken.verify(token, key, { algorithms }),
  },
};

function keyOf({ secret, private: signing, public: verifying }) {
  if (secret !== undefined) return createSecretKey(secret, "utf8");
  return signing !== undefined ? createPrivateKey(signing) : createPublicKey(verifying);
}

async function answerTo({ library, sign, verify, algorithm, algorithms, key }) {
  try {
    if (sign) return { token: await libraries[library].sign(sign, algorithm, keyOf(key)) };
    return { claims: await libraries[library].verify(verify, algorithms, keyOf(key)) };
  } catch (error) {
    return { error: error.message };
  }
}

async function main() {
  const pieces = [];
  for await (const piece of process.stdin) pieces.push(piece);
  const jobs = JSON.parse(Buffer.concat(pieces).toString());
  process.stdout.write(JSON.stringify(await Promise.all(jobs.map(answerTo))));
}

main();
