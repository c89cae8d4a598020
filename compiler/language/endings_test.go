package language

import (
	"testing"
)

func TestQuarantinesEnd(t *testing.T) {
	t.Parallel()
	repo, _ := Parse([]File{{PlatformFile, []byte("apiVersion: portcullis.dev/v1alpha1\nkind: Platform\nmetadata: {name: p}\nspec: {quarantine: [{peer: shop/web, ticket: t, until: 2026-12-01}]}\n")}})
	if all := repo.Endings(); len(all) != 1 || all[0].Until.Value != "2026-12-01" || all[0].What != "this quarantine" {
		t.Errorf("endings %v", all)
	}
}
