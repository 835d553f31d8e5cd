package passkeys

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/examples/internal/shortid"
)

// A StoredSite is a relying party and its credentials as a key tells them.
type StoredSite struct {
	RP          ctap2.StoredRP
	Credentials []ctap2.StoredCredential
}

// ListSites puts what a key tells in order. Passkeys that have the same site and
// names stay in an order that does not change, that of their long IDs.
func ListSites(stored []StoredSite) []Site {
	var long []string
	for _, s := range stored {
		for _, c := range s.Credentials {
			long = append(long, shortid.Long(c.ID.ID))
		}
	}
	short := shortid.Shorten(long, shortid.Least)
	sites := []Site{} // [] rather than null when there is none
	for _, s := range stored {
		hash := base64URL(s.RP.RPIDHash[:])
		at := slices.IndexFunc(sites, func(l Site) bool { return l.RPIDHash == hash })
		if at < 0 {
			at = len(sites)
			sites = append(sites, Site{SiteName{s.RP.RP.ID, hash, s.RP.RP.Name}, []Passkey{}})
		}
		for _, c := range s.Credentials {
			sites[at].Passkeys = append(sites[at].Passkeys, listPasskey(short[0], Credential{c, s.RP.RPIDHash}))
			short = short[1:]
		}
	}
	slices.SortFunc(sites, func(a, b Site) int {
		return cmp.Or(strings.Compare(a.RPID, b.RPID), strings.Compare(a.RPIDHash, b.RPIDHash))
	})
	for _, s := range sites {
		slices.SortFunc(s.Passkeys, func(a, b Passkey) int {
			return cmp.Or(strings.Compare(a.User.Name, b.User.Name), strings.Compare(a.User.DisplayName, b.User.DisplayName), strings.Compare(a.ID, b.ID))
		})
	}
	return sites
}

func listPasskey(id string, c Credential) Passkey {
	p := Passkey{
		ID: id, CredentialID: base64URL(c.ID.ID), User: User{base64URL(c.User.ID), c.User.Name, c.User.DisplayName},
		CredProtect: uint(c.CredProtect), LargeBlobKey: len(c.LargeBlobKey) > 0, ThirdPartyPayment: c.ThirdPartyPayment, OnKey: c,
	}
	if k := c.PublicKey; k != nil {
		p.PublicKey = base64URL(k.Append(nil))
		p.Algorithm = int64(k.Alg)
		if k.Alg != 0 {
			p.AlgorithmName = cose.Algorithm(k.Alg).String()
		}
	}
	return p
}
