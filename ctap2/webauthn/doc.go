// Package webauthn is the client half of WebAuthn Level 3 for programs that are
// not browsers: options of a relying party in, responses out.
package webauthn
