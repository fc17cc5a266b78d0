"""The language model that routes: tokenizer, tiny model, batched decoding, warm start and the policy folder."""
