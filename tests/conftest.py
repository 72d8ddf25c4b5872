"""A tiny base model, its tokenizer, tiny encoders, and tasks on single letters."""

import copy
import hashlib
import string

import pytest
import torch
import transformers as tf
from hypothesis import settings
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors

import t2l_fast as t2l
from t2l_fast.generators import T2LConfig, TextToLora
from t2l_fast.tasks import Example, Prompt, Task
from t2l_fast.train.data.collator import Collator
from t2l_fast.train.data.packing import collate
from t2l_fast.train.model.losses import answer_loss, label_logits
from tests.sizes import LLAMA

LETTERS = string.ascii_lowercase[:12]
SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")
SPELLED = "abcdefghijklmnopqrstuvwxyz0123456789.,?:"
CHARACTERS = (*"\n ", *string.ascii_letters, *string.digits, *string.punctuation)

settings.register_profile("quick", max_examples=25, deadline=None)
settings.register_profile("full", max_examples=300, deadline=None)
settings.load_profile("quick")  # --hypothesis-profile full: in .ci/nightly


def pytest_configure(config):
    if hasattr(config, "workerinput"):  # pytest-xdist shares cores among processes
        torch.set_num_threads(1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What is left to the night is slow, too."""
    for item in items:
        if item.get_closest_marker("nightly"):
            item.add_marker("slow")


def _tokenizer() -> tf.PreTrainedTokenizerFast:
    """One token per character; a beginning of sequence in front."""
    vocabulary = {token: i for i, token in enumerate((*SPECIAL, *CHARACTERS))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    made.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", 1)]
    )
    made.decoder = decoders.Fuse()
    return tf.PreTrainedTokenizerFast(
        tokenizer_object=made,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        unk_token="<unk>",
        clean_up_tokenization_spaces=False,
    )


def _model(kind=tf.LlamaForCausalLM, config=tf.LlamaConfig, **options) -> torch.nn.Module:
    torch.manual_seed(0)
    common = {"vocab_size": len(SPECIAL) + len(CHARACTERS)} | LLAMA
    return kind(config(**(common | options))).eval()


def _shift(by: int) -> dict[str, str]:
    return {a: LETTERS[(i + by) % len(LETTERS)] for i, a in enumerate(LETTERS)}


def _task(name: str, pairs: dict[str, str], **options) -> Task:
    """A task whose descriptions all begin with its name; validated on what it trains on."""
    examples = tuple(Example(*pair) for pair in pairs.items())
    word = name.replace("/", "-")
    fields = dict(
        name=name,
        family=name.split("/")[0],
        descriptions=(f"{word} please", f"{word} it now"),
        eval_descriptions=(f"{word} the letter", f"{word} what you see"),
        train=examples,
        validation=examples,
    )
    return Task(**(fields | options))


class FirstWord:
    """Embeds the first word of a text, and a little of the rest."""

    name = "first-word"
    dim = 16

    def encode(self, texts) -> torch.Tensor:
        rows = [_noise(t.split()[0]) + 0.1 * _noise(t) for t in texts]
        made = torch.stack(rows) if rows else torch.empty(0, self.dim)
        return made / made.norm(dim=1, keepdim=True) * self.dim**0.5


def _noise(text: str) -> torch.Tensor:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")
    return torch.randn(FirstWord.dim, generator=torch.Generator().manual_seed(seed))


def _generator(model, *, dropout: float = 0.05, seed: int = 1, **options) -> TextToLora:
    torch.manual_seed(seed)
    targets = options.pop("target_modules", ("q_proj", "v_proj", "down_proj"))
    config = T2LConfig.for_model(
        model,
        lora=t2l.LoraConfig(targets, rank=4, alpha=4),
        task_embedding_size=FirstWord.dim,
        latent_size=16,
        head_in_size=16,
        dropout=dropout,
        **options,
    )
    return TextToLora(config, encoder=FirstWord())


@pytest.fixture
def one_thread():
    """Tiny matrices are slower on many threads, most of all beside other work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def _taught():
    """A model that answers every letter with the next one, trained in full."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model, collator = _model(), Collator(Prompt(_tokenizer()))
    pairs = _shift(1).items()
    batch = collate([collator.row(0, Example(*pair)) for pair in pairs], collator.pad)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(400):  # how many it takes depends on the processor's rounding
        logits, labels = label_logits(model, batch)
        loss = answer_loss(logits, batch, labels, 0.0)
        if loss < 0.01 * len(pairs):
            break
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    torch.set_num_threads(threads)
    assert loss < 0.01 * len(pairs)
    return model


@pytest.fixture
def tiny(tools, one_thread):
    """The helpers above, for tests (with importlib mode a conftest can't be imported)."""
    return tools


@pytest.fixture(scope="session")
def tools(_taught):
    """`tiny` for fixtures that outlive a test."""

    class Tiny:
        letters = LETTERS
        tokenizer = staticmethod(_tokenizer)
        model = staticmethod(_model)
        shift = staticmethod(_shift)
        task = staticmethod(_task)
        encoder = FirstWord
        generator = staticmethod(_generator)

        @staticmethod
        def taught() -> torch.nn.Module:
            """A model of the test's own that answers every letter with the next one."""
            return copy.deepcopy(_taught)

        @staticmethod
        def state(module) -> dict[str, torch.Tensor]:
            return {name: t.clone() for name, t in module.state_dict().items()}

        @staticmethod
        def parts(model) -> list:
            """What attaching changes: modules, their hooks, and what may be trained."""
            modules = [
                (n, type(m), len(m._forward_pre_hooks), len(m._forward_hooks))
                for n, m in model.named_modules()
            ]
            return [*modules, *((n, p.requires_grad) for n, p in model.named_parameters())]

    return Tiny


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """Saves a random one-layer BERT that spells, pooled by mean, under a given folder name."""
    sentences = pytest.importorskip("sentence_transformers", reason="needs sentence-transformers")
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    root = tmp_path_factory.mktemp("encoders")

    def save(name: str):
        folder, bert = root / name, root / f"bert-of-{name}"
        if folder.exists():  # a module's fixture is set up again when its tests are shared out
            return folder
        bert.mkdir()
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        words += [*SPELLED, *(f"##{letter}" for letter in SPELLED)]
        (bert / "vocab.txt").write_text("\n".join(words))
        torch.manual_seed(0)
        model = BertModel(
            BertConfig(
                vocab_size=len(words),
                hidden_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=24,
                max_position_embeddings=128,
                initializer_range=0.4,
            )
        )
        model.save_pretrained(bert)
        BertTokenizerFast(str(bert / "vocab.txt"), model_max_length=128).save_pretrained(bert)
        modules = [Transformer(str(bert)), Pooling(16, "mean")]
        sentences.SentenceTransformer(modules=modules, device="cpu").save(str(folder))
        return folder

    return save
