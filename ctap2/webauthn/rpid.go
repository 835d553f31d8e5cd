package webauthn

import (
	"context"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// rpIDFor returns the relying party ID of a ceremony: the one that the site asks
// for, if its origin may claim it, or the origin's effective domain (WebAuthn L3
// section 5.1.3, steps 7 and 8).
func (c *Client) rpIDFor(ctx context.Context, o origin, rpID string) (string, error) {
	if rpID == "" || rpID == o.host {
		return o.host, nil
	}
	// The RP ID is hashed as it is, so that another form of the domain would be
	// another relying party.
	switch domain, err := parseDomain(rpID); {
	case err == errIPAddress:
		return "", fail(SecurityError, "the site's RP ID %s is an IP address, and passkeys belong to domains", quote(rpID))
	case err != nil:
		return "", fail(SecurityError, "the site's RP ID %s is not a domain", quote(rpID))
	case domain != rpID:
		return "", fail(SecurityError, "the site's RP ID %s is not in the canonical form of the domain, %s", quote(rpID), quote(domain))
	}
	if isRegistrableSuffix(rpID, o.host) {
		return rpID, nil
	}
	if c.config.RelatedOrigins != nil {
		related, err := c.config.RelatedOrigins(ctx, rpID)
		switch {
		case err != nil && ctx.Err() != nil:
			return "", err
		case err != nil:
			return "", &Error{SecurityError, &reason{"the related origins of " + rpID + " can't be found out: " + err.Error(), []error{err}}}
		case isRelated(o, related):
			return rpID, nil
		}
	}
	return "", fail(SecurityError, "the site %s may not use passkeys of %s", o, quote(rpID))
}

// isRegistrableSuffix reports whether a domain is a suffix of a host, and one that
// somebody can register, neither equal to the host nor beyond what is the host's
// own (HTML section 7.1.1.2).
func isRegistrableSuffix(domain, host string) bool {
	if !strings.HasSuffix(host, "."+domain) {
		return false
	}
	if suffix, _ := publicsuffix.PublicSuffix(domain); suffix == domain {
		return false
	}
	// With a wildcard among the rules, what is beyond the host's public suffix may
	// be none itself: see kawasaki.jp.
	suffix, _ := publicsuffix.PublicSuffix(host)
	return !strings.HasSuffix("."+suffix, "."+domain)
}

// maxLabels is how many different names may precede the public suffix among
// related origins: the least that a client must allow (WebAuthn L3 section 5.11).
const maxLabels = 5

// isRelated runs the related origins validation procedure on what the relying
// party lists (WebAuthn L3 section 5.11.1).
func isRelated(caller origin, list []string) bool {
	labels := make(map[string]bool, maxLabels)
	for _, s := range list {
		o, err := originOfURL(s)
		if err != nil {
			continue
		}
		registrable, err := publicsuffix.EffectiveTLDPlusOne(o.host)
		if err != nil {
			continue
		}
		label, _, _ := strings.Cut(registrable, ".")
		if len(labels) >= maxLabels && !labels[label] {
			continue
		}
		if o == caller {
			return true
		}
		labels[label] = true
	}
	return false
}

// strangeAppIDs are those that lie outside the domain of the site that they are
// for. Google's own accounts still send them, and every browser knows them as
// exceptions; without them a login there would be refused.
var strangeAppIDs = map[string]string{
	"https://www.gstatic.com/securitykey/origins.json":              "google.com",
	"https://www.gstatic.com/securitykey/a/google.com/origins.json": "google.com",
}

// mayUseAppID checks that an origin is a facet of a U2F application (FIDO AppID
// and Facet Specification section 3.1.2). A facet has the registrable domain of
// the AppID; the list of facets that the AppID names can only narrow that, and
// like browsers this client does not fetch it.
func mayUseAppID(o origin, appID string) error {
	if domain, ok := strangeAppIDs[appID]; ok && (o.host == domain || strings.HasSuffix(o.host, "."+domain)) {
		return nil
	}
	app, err := originOfURL(appID)
	switch {
	case err != nil:
		return fail(SecurityError, "the site's AppID %s can't be used: %w", quote(appID), err)
	case app == o:
		return nil
	case app.scheme == "https":
		if app.host == o.host {
			return nil
		}
		a, errA := publicsuffix.EffectiveTLDPlusOne(app.host)
		b, errB := publicsuffix.EffectiveTLDPlusOne(o.host)
		if errA == nil && errB == nil && a == b {
			return nil
		}
	}
	return fail(SecurityError, "the site %s may not use the AppID %s", o, quote(appID))
}
