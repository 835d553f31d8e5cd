package nfc

import "context"

// Detect finds out whether a card is a security key: whether the FIDO application
// can be selected on it (CTAP 2.3 section 11.3.3). It returns what the card answers,
// [VersionU2F], [VersionFIDO20] or nothing, and fails as [Open] does, with
// [ErrNoApplet] for any other card. It sends nothing but that SELECT, within a
// transaction, and the card remains the caller's: another program that shares the
// card has to select its application again, as after any use of a shared card.
func Detect(ctx context.Context, card Card, c *Config) (version string, err error) {
	conn, err := newConn(card, c)
	if err != nil {
		return "", err
	}
	err = conn.call(ctx, "SELECT", func(*exchange) error { return nil })
	return conn.version, err
}
