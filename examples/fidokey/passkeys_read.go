package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/examples/internal/passkeys"
)

// passkeyManager is at work on the passkeys of a key that is open.
type passkeyManager struct {
	*app
	key  *fido.Key
	info *ctap2.GetInfoResponse

	permissions ctap2.Permissions
	token       *pinuv.Token // nil until it is needed
	proven      bool         // the key has taken it
}

// withPasskeys opens the key of --device for f, if it is one that manages
// passkeys. What f needs is the permissions, which is found out before the user
// is asked for anything.
func (a *app) withPasskeys(ctx context.Context, permissions passkeyPermissions, f func(*passkeyManager) error) error {
	return a.withKey(ctx, func(ctx context.Context, key *fido.Key) error {
		info, err := key.GetInfo(ctx)
		if err != nil {
			return err
		}
		if err := managesPasskeys(key.U2F(), info); err != nil {
			return err
		}
		m := &passkeyManager{app: a, key: key, info: info}
		if m.permissions, err = permissions(info); err != nil {
			return err
		}
		if key.Contactless() {
			a.hint("Keep the key at the reader until this is done.")
		}
		defer m.endToken()
		return f(m)
	})
}

// managesPasskeys returns an error with advice if a key has no credential
// management.
func managesPasskeys(u2f bool, info *ctap2.GetInfoResponse) error {
	switch {
	case u2f:
		return cant("this key speaks U2F alone and stores no passkeys; it serves as a second factor, and only the sites know where")
	case info.Options[ctap2.OptionCredMgmt], info.Options[ctap2.OptionCredentialMgmtPreview]:
		return nil
	case !info.Options[ctap2.OptionRK]:
		return cant("this key stores no passkeys; it serves as a second factor, and only the sites know where")
	}
	room := ""
	if n := info.RemainingDiscoverableCredentials; n != nil {
		room = fmt.Sprintf("; it has room for %d more", *n)
	}
	return cant("this key stores passkeys, but can't list or delete single ones%s. Look for it in the security settings of your accounts; "+
		"where you log in with it and type no user name there is a passkey on it. Only fidokey reset deletes passkeys from it: all of them", room)
}

// passkeyPermissions says what permissions of a key a command needs, or why the
// key can't serve it.
type passkeyPermissions func(*ctap2.GetInfoResponse) (ctap2.Permissions, error)

// toRead are the permissions to read: of those that are enough, the one that
// changes nothing if the key has it.
func toRead(info *ctap2.GetInfoResponse) (ctap2.Permissions, error) {
	if permissionsOf(info)&ctap2.PermissionPCMR != 0 {
		return ctap2.PermissionPCMR, nil
	}
	return ctap2.PermissionCM, nil
}

// toDelete are those to delete passkeys, and what the key stores with them.
func toDelete(info *ctap2.GetInfoResponse) (ctap2.Permissions, error) {
	return ctap2.PermissionCM | permissionsOf(info)&ctap2.PermissionLBW, nil
}

// permissionsOf returns all that the key gives one way or another.
func permissionsOf(info *ctap2.GetInfoResponse) ctap2.Permissions {
	return info.PINPermissions() | info.UVPermissions()
}

// authorized calls f with a token, which the user is asked for the first time. A
// key that has ended a token that it took before, because another program got one
// or time has passed, makes the user be asked again.
func (m *passkeyManager) authorized(ctx context.Context, f func(*pinuv.Token) error) error {
	for {
		if m.token == nil {
			token, err := m.app.token(ctx, m.key, m.permissions, "")
			if errors.Is(err, ctap2.StatusPINNotSet) {
				return because(err, "no PIN is set on the key, and without one it does not tell of its passkeys: set one with fidokey pin set")
			}
			if err != nil {
				return err
			}
			m.token = token
		}
		err := f(m.token)
		if !m.proven || !errors.Is(err, ctap2.StatusPINAuthInvalid) {
			m.proven = m.proven || err == nil
			return err
		}
		m.endToken()
		m.hint("The key does not remember that you were there, and asks once more.")
	}
}

func (m *passkeyManager) endToken() {
	if m.token != nil {
		m.token.Wipe()
	}
	m.token, m.proven = nil, false
}

// read lists the passkeys on the key.
func (m *passkeyManager) read(ctx context.Context) (*passkeys.Listing, error) {
	l := &passkeys.Listing{Format: passkeys.Format, Version: passkeys.Version, Created: time.Now().UTC().Truncate(time.Second)}
	var rps []ctap2.StoredRP
	if err := m.authorized(ctx, func(token *pinuv.Token) error {
		metadata, err := m.key.CredentialsMetadata(ctx, token)
		l.Stored, l.Room = metadata.Existing, metadata.MaxRemaining
		return err
	}); err != nil {
		return nil, err
	}
	if err := m.authorized(ctx, func(token *pinuv.Token) (err error) {
		rps, err = m.key.RPs(ctx, token)
		return err
	}); err != nil {
		return nil, err
	}
	var sites []passkeys.StoredSite
	p := &progress{app: m.app}
	defer p.clear()
	total, seen := 0, make(map[[32]byte]bool)
	for i, rp := range rps {
		if seen[rp.RPIDHash] {
			continue
		}
		seen[rp.RPIDHash] = true
		if len(rps) > 1 && isTerminal(m.err) {
			p.show("Reading the passkeys: site %d of %d", i+1, len(rps))
		}
		var credentials []ctap2.StoredCredential
		if err := m.authorized(ctx, func(token *pinuv.Token) (err error) {
			credentials, err = m.key.Credentials(ctx, token, rp.RPIDHash)
			return err
		}); err != nil {
			return nil, err
		}
		if total += len(credentials); total > ctap2.MaxEnumeration {
			return nil, nonsense("the key lists more than %d passkeys", ctap2.MaxEnumeration)
		}
		sites = append(sites, passkeys.StoredSite{RP: rp, Credentials: credentials})
	}
	l.Sites = passkeys.ListSites(sites)
	l.Key = m.identify()
	return l, nil
}

// identify tells what is known of which key this is. With a token that reads alone
// that is what tells it from all others, too.
func (m *passkeyManager) identify() passkeys.Key {
	k := passkeys.Key{Device: m.device, AAGUID: m.info.AAGUID.String()}
	if m.permissions == ctap2.PermissionPCMR && m.token != nil {
		if id, err := m.info.DeviceIdentifier(m.token); err == nil {
			k.DeviceIdentifier = base64URL(id[:])
		}
	}
	keys, _ := fido.List() // what can't be listed has no name
	for i := range keys {
		if keys[i].Path == m.device || m.device == "" && len(keys) == 1 && m.key.HID() != nil {
			k.Device, k.Product, k.Serial = keys[i].Path, keys[i].Product, keys[i].Serial
		}
	}
	return k
}
