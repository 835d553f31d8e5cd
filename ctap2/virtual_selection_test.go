package ctap2_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
)

// candidate is one of several keys on the table.
type candidate struct {
	key    *virtual.Key
	user   *virtual.Manual
	client *ctap2.Client
}

// SEL-3: several keys wait for a touch; the one that is touched wins, and the
// others stop waiting at once.
func TestSelectOneOfSeveralKeys(t *testing.T) {
	configs := []virtual.Config{
		{}, {Profile: virtual.FIDO21}, {Profile: virtual.FIDO20}, {Profile: virtual.FIDO20, WithoutPIN: true},
		{WithoutCommands: []ctap2.Command{ctap2.CommandSelection}},
	}
	for winner := range configs {
		synctest.Test(t, func(t *testing.T) {
			var all []candidate
			for _, config := range configs {
				user := virtual.NewManual()
				config.User = user
				key, err := virtual.New(config)
				if err != nil {
					t.Fatal(err)
				}
				conn, err := ctaphid.Open(t.Context(), ctaphid.Loopback(key), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				all = append(all, candidate{key, user, ctap2.NewClient(conn, nil)})
			}
			ctx, cancel := context.WithCancel(t.Context())
			type ended struct {
				i   int
				err error
			}
			results := make(chan ended, len(all))
			for i, c := range all {
				go func() { results <- ended{i, c.client.Selection(ctx)} }()
			}
			synctest.Wait()
			for i, c := range all {
				if len(c.user.Prompts) != 1 {
					t.Errorf("key %d asks %d times", i, len(c.user.Prompts))
				}
			}
			time.Sleep(3 * time.Second)
			all[winner].user.Decisions <- virtual.Touch
			if first := <-results; first.i != winner || first.err != nil {
				t.Errorf("key %d wins instead of %d: %v", first.i, winner, first.err)
			}
			touched := time.Now()
			cancel()
			for range len(all) - 1 {
				if loser := <-results; !errors.Is(loser.err, context.Canceled) {
					t.Errorf("key %d: %v", loser.i, loser.err)
				}
			}
			if d := time.Since(touched); d > time.Second {
				t.Errorf("the others stop after %v", d)
			}
			for i, c := range all {
				sent := c.key.Commands()
				last := sent[len(sent)-1].Status
				if i != winner && last != ctap2.StatusKeepaliveCancel || i == winner && last == ctap2.StatusKeepaliveCancel {
					t.Errorf("key %d answered %v at last", i, last)
				}
				if n := len(c.key.Credentials()); n != 0 {
					t.Errorf("key %d stores %d credentials", i, n)
				}
				// The key is at once good for another command.
				if _, err := c.client.GetInfo(t.Context()); err != nil {
					t.Errorf("key %d: %v", i, err)
				}
			}
		})
	}
}

// SEL-2: keys that don't know selection are asked for a credential that they
// can't make, or that nobody uses.
func TestSelectionOfOldKeys(t *testing.T) {
	old := virtual.FIDO20
	for _, test := range []struct {
		name   string
		config virtual.Config
		pin    bool
		status ctap2.Status // of makeCredential
		want   error
	}{
		{"no PIN set", virtual.Config{Profile: old}, false, ctap2.StatusPINNotSet, nil},
		{"PIN set", virtual.Config{Profile: old}, true, ctap2.StatusPINInvalid, nil},
		{"no PIN possible", virtual.Config{Profile: old, WithoutPIN: true}, false, ctap2.StatusSuccess, nil},
		{"command missing", virtual.Config{WithoutCommands: []ctap2.Command{ctap2.CommandSelection}}, true, ctap2.StatusPINInvalid, nil},
		{"declined", virtual.Config{Profile: old, User: virtual.Deny()}, false, ctap2.StatusOperationDenied, ctap2.StatusOperationDenied},
		{"not touched", virtual.Config{Profile: old, User: virtual.NeverTouch()}, false, ctap2.StatusOperationDenied, ctap2.StatusOperationDenied},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				key, c := connect(t, test.config, nil)
				if test.pin {
					if err := key.SetPIN([]byte("1234")); err != nil {
						t.Fatal(err)
					}
				}
				if err := c.Selection(t.Context()); !errors.Is(err, test.want) || test.want == nil && err != nil {
					t.Errorf("%v, want %v", err, test.want)
				}
				sent := key.Commands()
				if last := sent[len(sent)-1]; last.Command() != ctap2.CommandMakeCredential || last.Status != test.status {
					t.Errorf("%v answered %v, want %v", last.Command(), last.Status, test.status)
				}
				if len(key.Credentials()) != 0 || key.PINRetries() != 8 {
					t.Errorf("%d credentials, %d tries", len(key.Credentials()), key.PINRetries())
				}
			})
		})
	}
}
