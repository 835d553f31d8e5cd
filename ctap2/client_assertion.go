package ctap2

import (
	"bytes"
	"context"
	"fmt"
	"slices"
)

// MaxAssertions is the most assertions that [Client.GetAssertions] collects.
// No key comes near it; a key that announces more is not believed.
const MaxAssertions = 1024

// GetAssertion gets one assertion (CTAP 2.3 section 6.2). If the key has
// several matching credentials, NumberOfCredentials says how many, and
// [Client.GetAssertions] gets them all.
//
// The credential of the result is always there: a key may leave it out when
// the allowList has one entry, and then it is taken from there. An assertion
// with a credential that was not asked for is a *[ReplyError].
func (c *Client) GetAssertion(ctx context.Context, r *GetAssertionRequest) (*GetAssertionResponse, error) {
	return inTurn(ctx, c, operation{command: CommandGetAssertion}, func(ctx context.Context) (*GetAssertionResponse, error) {
		return c.getAssertion(ctx, r)
	})
}

// GetNextAssertion gets the next assertion after a GetAssertion that announced
// several (CTAP 2.3 section 6.3). A key forgets the rest after 30 seconds, or
// when another command comes in between, and answers StatusNotAllowed;
// [Client.GetAssertions] keeps others out.
func (c *Client) GetNextAssertion(ctx context.Context) (*GetAssertionResponse, error) {
	return inTurn(ctx, c, operation{command: CommandGetNextAssertion}, c.getNextAssertion)
}

// GetAssertions gets the assertions of all matching credentials, most recently
// made first, as one turn: getAssertion and as many getNextAssertion as there
// are more credentials. Announcing more than [MaxAssertions] is a *[ReplyError].
//
// If getting a further one fails, or the context ends, the assertions received
// so far, at least one, come with the error: the user has touched the key for
// them, and each is good.
func (c *Client) GetAssertions(ctx context.Context, r *GetAssertionRequest) ([]*GetAssertionResponse, error) {
	return inTurn(ctx, c, operation{command: CommandGetAssertion}, func(ctx context.Context) ([]*GetAssertionResponse, error) {
		return c.getAssertions(ctx, r)
	})
}

func (c *Client) getAssertions(ctx context.Context, r *GetAssertionRequest) ([]*GetAssertionResponse, error) {
	first, err := c.getAssertion(ctx, r)
	if err != nil {
		return nil, err
	}
	n := first.NumberOfCredentials
	if n > MaxAssertions {
		return nil, badAssertion(CommandGetAssertion, first, fmt.Sprintf("numberOfCredentials is %d, more than %d", n, MaxAssertions))
	}
	all := []*GetAssertionResponse{first}
	for uint(len(all)) < n {
		next, err := c.getNextAssertion(ctx)
		if err != nil {
			return all, err
		}
		all = append(all, next)
	}
	return all, nil
}

func (c *Client) getAssertion(ctx context.Context, r *GetAssertionRequest) (*GetAssertionResponse, error) {
	response, err := send(ctx, c, operation{command: CommandGetAssertion}, r.Append, ParseGetAssertionResponse)
	if err != nil {
		return nil, err
	}
	if response.Credential.ID == nil && len(r.AllowList) == 1 {
		response.Credential = r.AllowList[0]
		return response, nil
	}
	if len(response.Credential.ID) == 0 {
		return nil, badAssertion(CommandGetAssertion, response, "the credential is missing")
	}
	asked := func(d PublicKeyCredentialDescriptor) bool { return bytes.Equal(d.ID, response.Credential.ID) }
	if len(r.AllowList) > 0 && !slices.ContainsFunc(r.AllowList, asked) {
		return nil, badAssertion(CommandGetAssertion, response, "the credential is not one of those asked for")
	}
	return response, nil
}

func (c *Client) getNextAssertion(ctx context.Context) (*GetAssertionResponse, error) {
	o := operation{command: CommandGetNextAssertion}
	response, err := send(ctx, c, o, noParameters, ParseGetAssertionResponse)
	if err != nil {
		return nil, err
	}
	if len(response.Credential.ID) == 0 {
		return nil, badAssertion(CommandGetNextAssertion, response, "the credential is missing")
	}
	return response, nil
}

func badAssertion(command Command, r *GetAssertionResponse, problem string) error {
	return &CommandError{Command: command, Err: badReply(command, r.Raw, problem)}
}
