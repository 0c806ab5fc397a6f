// The published server SDK, pointed at the server under test.
import { Authsignal } from "@authsignal/node";
import { secretKey } from "./server.js";
import { newSecret } from "./totp.js";

export const sdkFor = (server, apiSecretKey = secretKey) => new Authsignal({ apiSecretKey, apiUrl: server.api });

/** Imports an authenticator app that the user already has, as a migration does, and gives its secret. */
export async function importApp(sdk, userId) {
  const secret = newSecret();
  const { authenticator } = await sdk.enrollVerifiedAuthenticator({
    userId,
    attributes: {
      verificationMethod: "AUTHENTICATOR_APP",
      otpUri: `otpauth://totp/Bank:${encodeURIComponent(userId)}?secret=${secret}&issuer=Bank`,
    },
  });
  return { secret, authenticator };
}
