"""States of pieces are those of a text of their own."""

import numpy as np
import torch

from monoglot.model.hidden_states import Layer
from monoglot.model.piece_states import states_of_pieces
from monoglot.tokenization.pieces import Pieces
from monoglot.tokenization.special_token_template import SpecialTokenTemplate
from tests.fixtures.models import ARCHITECTURES


def test_pieces_are_read_as_a_text_of_their_own(source_tokenizers):
    source = ARCHITECTURES["bert-headless"](source_tokenizers["wordpiece"])
    template, pieces = SpecialTokenTemplate((0,), (2,)), Pieces(np.array([0, 2, 2, 3]), np.array([7, 8, 9]))
    mean, last = states_of_pieces(source, template, pieces, depth=0.5)
    layer = Layer.of(source, 0.5)
    two = layer.states(torch.tensor([[0, 7, 8, 2]]), torch.ones(1, 4, dtype=torch.long))[0]
    one = layer.states(torch.tensor([[0, 9, 2]]), torch.ones(1, 3, dtype=torch.long))[0]
    torch.testing.assert_close(mean, torch.stack([two[1:3].mean(dim=0), torch.zeros_like(one[1]), one[1]]))
    torch.testing.assert_close(last, torch.stack([two[2], torch.zeros_like(one[1]), one[1]]))
