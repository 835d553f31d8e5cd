package ctap2

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/pinuv"
)

// EnableEnterpriseAttestation lets the key give enterprise attestations (CTAP
// 2.3 section 6.11.1); doing it again changes nothing. Only a reset takes it
// back.
//
// Of this and the other methods about settings: the token needs the permission
// acfg; nil is for a key without PIN and user verification, which takes settings
// from anyone. What getInfo says the key does not have is an
// *[UnsupportedError].
func (c *Client) EnableEnterpriseAttestation(ctx context.Context, token *pinuv.Token) error {
	return c.configure(ctx, token, EnableEnterpriseAttestation, nil, func(info *GetInfoResponse) string {
		return unless(has(info, OptionEP), "enterprise attestation")
	})
}

// ToggleAlwaysUv switches "always verify the user" on if it is off, and off if
// it is on (CTAP 2.3 section 6.11.2); getInfo's option alwaysUv tells which it
// is. StatusOperationDenied means that it can't be switched off.
func (c *Client) ToggleAlwaysUv(ctx context.Context, token *pinuv.Token) error {
	return c.configure(ctx, token, ToggleAlwaysUv, nil, func(info *GetInfoResponse) string {
		return unless(has(info, OptionAlwaysUv), "always verifying the user")
	})
}

// SetMinPINLength sets what PINs the key accepts, and who may know (CTAP 2.3
// section 6.11.4). nil changes nothing.
func (c *Client) SetMinPINLength(ctx context.Context, token *pinuv.Token, p *SetMinPINLengthParams) error {
	if p == nil {
		p = &SetMinPINLengthParams{}
	}
	return c.configure(ctx, token, SetMinPINLength, p, func(info *GetInfoResponse) string {
		least, _ := info.PINLengths()
		switch limit := info.MaxRPIDsForSetMinPINLength; {
		case !info.Options[OptionSetMinPINLength]:
			return "setting a minimum PIN length"
		case p.NewMinPINLength != 0 && p.NewMinPINLength < least:
			return fmt.Sprintf("a minimum PIN length of less than the present %d: only a reset lowers it", least)
		case limit != nil && uint(len(p.MinPinLengthRPIDs)) > *limit:
			return fmt.Sprintf("more than %d relying parties that may know the minimum PIN length", *limit)
		}
		return ""
	})
}

// EnableLongTouchForReset has the key want a touch of five seconds before it
// resets (CTAP 2.3 section 6.11.5). Only a reset takes it back.
func (c *Client) EnableLongTouchForReset(ctx context.Context, token *pinuv.Token) error {
	return c.configure(ctx, token, EnableLongTouchForReset, nil, func(info *GetInfoResponse) string {
		return unless(info.LongTouchForReset != nil, "a long touch for reset")
	})
}

// VendorPrototype sends a vendor's command (CTAP 2.3 section 6.11.6) with this
// ID, and the members that the vendor wants; 0x01 is the ID's own number, which
// they can't have.
func (c *Client) VendorPrototype(ctx context.Context, token *pinuv.Token, id uint64, members map[uint64]any) error {
	params := maps.Clone(members)
	if params == nil {
		params = map[uint64]any{}
	}
	params[1] = id
	return c.configure(ctx, token, VendorPrototype, params, func(info *GetInfoResponse) string {
		return unless(slices.Contains(info.VendorPrototypeConfigCommands, id), fmt.Sprintf("the vendor's command 0x%x", id))
	})
}

// Config sends one subcommand of authenticatorConfig as it is (CTAP 2.3 section
// 6.11). The methods about settings do what most programs need.
func (c *Client) Config(ctx context.Context, r *ConfigRequest) error {
	o := r.SubCommand.operation()
	_, err := inTurn(ctx, c, o, func(ctx context.Context) ([]byte, error) { return c.sendConfig(ctx, o, r) })
	return err
}

// configure sends a subcommand unless lacks names a feature that the key does
// not have.
func (c *Client) configure(ctx context.Context, token *pinuv.Token, sub ConfigSubCommand, params any, lacks func(*GetInfoResponse) string) error {
	o := sub.operation()
	_, err := inTurn(ctx, c, o, func(ctx context.Context) ([]byte, error) {
		info, err := c.remembered(ctx)
		if err != nil {
			return nil, err
		}
		feature := lacks(info)
		switch known := info.AuthenticatorConfigCommands; {
		case !info.Options[OptionAuthnrCfg]:
			feature = "changing settings"
		case known != nil && !slices.Contains(known, uint(sub)):
			feature = "the setting " + sub.String()
		}
		if feature != "" {
			return nil, &UnsupportedError{feature}
		}
		r := &ConfigRequest{SubCommand: sub}
		if params != nil {
			if r.SubCommandParams, err = cbor.Marshal(params); err != nil {
				return nil, o.fails(err)
			}
		}
		if token != nil {
			r.Authorize(token)
		}
		return c.sendConfig(ctx, o, r)
	})
	return err
}

func (c *Client) sendConfig(ctx context.Context, o operation, r *ConfigRequest) ([]byte, error) {
	request, err := r.Append(nil)
	if err != nil {
		return nil, o.fails(err)
	}
	return c.exchange(ctx, o, request)
}

// unless returns feature unless the key has it.
func unless(has bool, feature string) string {
	if has {
		return ""
	}
	return feature
}

func has(info *GetInfoResponse, option string) bool {
	_, ok := info.Options[option]
	return ok
}
