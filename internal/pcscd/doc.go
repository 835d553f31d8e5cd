// Package pcscd runs a smart-card daemon of its own for tests, with one virtual
// reader in it and no other. Debian packages pcscd and vsmartcard-vpcd.
package pcscd
