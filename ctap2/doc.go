// Package ctap2 is the client to authenticator protocol (CTAP 2.3): every
// command as a request and a response with the specification's names, and a
// [Client] that sends them to a security key.
//
// A security key makes a key pair for each account, and signs with it when the
// user touches the key:
//
//	client := ctap2.NewClient(transport, nil)
//	made, err := client.MakeCredential(ctx, &ctap2.MakeCredentialRequest{...})
//	got, err := client.GetAssertion(ctx, &ctap2.GetAssertionRequest{...})
//
// If the key has a PIN it becomes a token, and the token authorises the request
// that follows:
//
//	token, err := client.PINToken(ctx, pin, ctap2.PermissionGA, "example.com")
//	request.Authorize(token)
//
// # Management
//
// A token may have several permissions and authorise several requests, so that
// the user enters the PIN once for a piece of work. [Client.Token] asks for it in
// the way that suits the key:
//
//	token, err := client.Token(ctx, ctap2.PermissionCM|ctap2.PermissionLBW, "", prompt)
//	defer token.Wipe()
//	rps, err := client.RPs(ctx, token)
//	credentials, err := client.Credentials(ctx, token, rps[0].RPIDHash)
//	err = client.DeleteCredential(ctx, token, credentials[0].ID)
//
// Fingerprints, large blobs and settings are managed in the same way. What the
// specification calls an extension has methods of [Extensions], and hmac-secret
// (prf) an exchange of its own: [Client.HMACSecretExchange].
//
// # Layers
//
// A [Client] stands on a [Transport], which carries one request and its reply:
// a *ctaphid.Conn for a key on USB, an *nfc.Conn for one on a card reader, or
// a software key of package virtual called directly.
//
// The request and response types are codecs for both ends. Append encodes a
// request for the wire; the Parse functions decode one, which is what an
// authenticator needs, and report a [Status] when it is not as it should be.
//
// # What a key sends
//
// Requests are sent in CTAP2 canonical CBOR. Real keys are not that strict, so
// replies are decoded leniently and what was forgiven is reported: see
// [Reply]. ClientConfig.Strict refuses such replies instead.
//
// # Errors
//
// What a key refuses is a [Status], which errors.Is finds in every error here.
// A [CommandError] says which command it was the answer to, a [PINError] what
// to do about the PIN, a [ReplyError] what makes no sense in a reply, and an
// [UnsupportedError] what the key does not have. A [LargeBlobArrayError] says
// that the large blobs on the key are damaged, and a [FriendlyNameError] that the
// name of a fingerprint is too long. All other errors come from the Transport or
// the context.
package ctap2
