// Package webauthn is the client half of WebAuthn Level 3 for programs that are
// not browsers: what a web site asks for goes in as JSON, and what it expects comes
// out, so that a program can register with the site and log in to it with a
// security key.
//
//	key, err := fido.Open(ctx, "", nil)
//	authenticator := webauthn.NewSecurityKey(key.Client, prompt)
//	authenticator.Contactless = key.Contactless()
//	client := webauthn.NewClient(authenticator, nil)
//
//	options, err := webauthn.ParseRequestOptions(fromSite)
//	response, err := client.Get(ctx, "https://login.example.com", options)
//	toSite, err := json.Marshal(response)
//
// The program fetches the options and sends the response, over HTTP or in whatever
// way the site has; this package knows nothing of that.
//
// # Layers
//
// The [Client] is what a browser is to a web page. It checks that the page's origin
// may use passkeys of the relying party, says in the client data where the request
// came from, keeps the time, and takes from the answer what the site must not see.
// It has no secrets and no transport.
//
// An [Authenticator] makes credentials and signs with them. [SecurityKey] is one, on
// a [ctap2.Client]: it asks its user for a PIN, a fingerprint, a touch or a choice
// through a [Prompt], which a terminal, a graphical program or a test can be.
//
// An operating system's own API can be another. On Windows only administrators may
// open security keys, and everybody else has to go through webauthn.dll, which shows
// its own dialogs. A program that stands for it implements the two methods of
// Authenticator; this package has no implementation of it yet.
//
// # The origin
//
// The origin is the program's word that the options come from there and that the
// response goes there. It is the whole of the protection against phishing: take it
// from the connection, with a verified certificate, and never from what the site
// sends.
//
// An origin is "https://", a domain and perhaps a port. IP addresses have no
// passkeys. On this machine "http://localhost" will do, with any port. The RP ID is
// the origin's domain or one above it, up to where the public suffix list ends,
// whose private part counts as it does in browsers; or a domain that lists the
// origin among its related ones: see Config.RelatedOrigins.
//
// # Errors
//
// All errors of a Client are an [Error] with the name that a browser would give it.
// Sites get told little, programs more: errors.Is tells [ErrNoPasskey],
// [ErrAlreadyRegistered], [ErrCancelled], [ErrTimeout] and [ErrUnsuitable] apart, and
// finds what lies below, such as a [ctap2.Status].
package webauthn
