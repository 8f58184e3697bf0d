"""torch.einsum, with gradients, in f64."""
import torch
from write import case, normal, write

torch.manual_seed(0)
size = {"n": 2, "l": 3, "m": 4, "c": 5, "h": 2, "k": 6, "i": 3, "j": 7}
out = {}


def draw(term):
    return normal(*(size[letter] for letter in term)) if term else normal(1).reshape(()).detach().requires_grad_()


for equation in (
    "nlc,mc->nlm", "nlc,cm->nlm", "nlc,nmc->nlm", "nlc,nmc->nml", "cln,mnc->lmn", "nlhk,nmhk->nhlm", "nhlm,nmhk->nlhk", "ij,jk->ki", "nlc,kmc->nklm",
    "nlc,nlc->", "nlc,nc->nl", "lc,c->l", "c,lc->l", "c,c->", "nlhk,hkm->nlm", "nlck,ml->nmck",
    "i,j->ij", "i,j->ji", "nc,nlc->nlc", "cl,nlc->nlc", ",lc->cl", "nlk,mc->nm", "nlc,ncm->n",
):
    terms, result = equation.split("->")
    a, b = terms.split(",")
    values = case(lambda a, b: torch.einsum(equation, a, b), a=draw(a), b=draw(b))
    out.update({f"{equation}/{k}": v for k, v in values.items()})
for equation in ("nlc->cln", "nlc->ln", "nlc->", "nlc->nlc", "nlc->c"):
    values = case(lambda x: torch.einsum(equation, x), x=draw(equation.split("->")[0]))
    out.update({f"{equation}/{k}": v for k, v in values.items()})
write(__file__, out)
