"""States of a layer are those that the model itself gives for it."""

import pytest
import torch
import transformers as hf

from monoglot.errors import ModelError
from monoglot.model.hidden_states import Layer
from tests.fixtures.models import ARCHITECTURES

IDS = torch.tensor([[5, 6, 7, 8, 9, 10, 11], [12, 13, 14, 15, 16, 17, 18]])


def expected(model, number):
    body = model.get_encoder() if model.config.is_encoder_decoder else model.base_model
    with torch.no_grad():
        given = body(input_ids=IDS, attention_mask=torch.ones_like(IDS), output_hidden_states=True)
    return given.hidden_states[number].float()


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_architecture(source_tokenizers, name):
    architecture = ARCHITECTURES[name]
    model = architecture(source_tokenizers[architecture.family]).eval()
    layer = Layer.of(model, 0.5)
    torch.testing.assert_close(layer.states(IDS, torch.ones_like(IDS)), expected(model, layer.number))


UNUSUAL = {
    # XLM lists the parts of its layers, XLNet's layers give tokens by texts.
    "xlm": lambda: hf.XLMModel(hf.XLMConfig(vocab_size=40, emb_dim=16, n_layers=4, n_heads=2)),
    "xlnet": lambda: hf.XLNetModel(
        hf.XLNetConfig(vocab_size=40, d_model=16, n_layer=4, n_head=2, d_inner=16)
    ),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_models_whose_lists_are_not_their_layers(name):
    model = UNUSUAL[name]().eval()
    states = Layer.of(model, 0.5).states(IDS, torch.ones_like(IDS))
    torch.testing.assert_close(states, expected(model, 2))


def test_layers_that_pool_are_refused():
    sizes = {"block_sizes": [1, 1, 1], "d_model": 16, "n_head": 2, "d_head": 8, "d_inner": 16}
    model = hf.FunnelModel(hf.FunnelConfig(vocab_size=40, **sizes)).eval()
    with pytest.raises(
        ModelError, match=r"layer 2 of FunnelModel gives states of shape .* one for each token"
    ):
        Layer.of(model, 0.5).states(IDS, torch.ones_like(IDS))
