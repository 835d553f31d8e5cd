package conformance

import (
	"time"

	"github.com/gofido/fido/ctap2"
)

// Section 19: selection. SEL-2 and SEL-3 are about hosts.
var selectionCases = []Case{
	{ID: "SEL-1", Title: "selection waits for a touch", Needs: NeedsUser, Takes: time.Minute, Run: sel1},
}

func sel1(c *C) {
	m := c.open()
	if !m.since21() {
		c.NotApplicable("the key is not FIDO_2_1 or later")
	}
	c.user(Behaviour{After: time.Second})
	m.ok(ctap2.CommandSelection, nil)
	if !m.prompted {
		c.Observe("the key does not say that it waits")
	}
	c.user(Behaviour{Action: Ignore})
	m.refused(ctap2.CommandSelection, nil, ctap2.StatusUserActionTimeout, ctap2.StatusOperationDenied)
	if c.Key.OpenReports != nil {
		c.close()
		c.cancels(ctap2.CommandSelection)
		m = c.open()
	}
	c.user(Behaviour{Action: Decline})
	m.refused(ctap2.CommandSelection, nil, ctap2.StatusOperationDenied)
}
