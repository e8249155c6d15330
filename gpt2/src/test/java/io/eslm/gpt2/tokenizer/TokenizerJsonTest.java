// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import java.util.Map;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Golden;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every kind of tokenizer.json gives the ids and texts of Hugging Face's library, see tools/golden/make_tokenizers.py. */
class TokenizerJsonTest {
    private static Path file(String name) {
        return Golden.folder("tokenizers").resolve(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "prefix_space", "llama3", "qwen2", "digits", "llama2", "metaspace", "unknown"})
    void equalsHuggingFace(String name) {
        Tokenizer tokenizer = Tokenizers.open(file(name + ".json").toString());
        for (Json c : Json.read(file(name + ".cases.json")).children("cases")) {
            String text = c.required("text", String.class);
            int[] ids = c.list("ids", Integer.class).stream().mapToInt(i -> i).toArray();
            int[] plain = c.list("plain", Integer.class).stream().mapToInt(i -> i).toArray();
            assertArrayEquals(ids, tokenizer.encodeWithSpecials(text), text);
            assertArrayEquals(plain, tokenizer.encode(text), text);
            assertEquals(c.required("decoded", String.class), tokenizer.decode(ids), text);
        }
    }

    /** A change of the file that we do not understand must not go unnoticed. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "model.type | \"Unigram\" | \"model.type\" is \"Unigram\", expected BPE, the only kind of vocabulary that is read",
        "model.dropout | 0.1 | expected none: the same text must give the same tokens",
        "model.end_of_word_suffix | \"</w>\" | expected none",
        "model.unk_token | \"<none>\" | expected a token of the vocabulary",
        "normalizer | {\"type\":\"BertNormalizer\"} | expected one of Sequence, NFC",
        "pre_tokenizer | {\"type\":\"BertPreTokenizer\"} | expected one of Sequence, ByteLevel",
        "pre_tokenizer | {\"type\":\"Split\",\"pattern\":{\"Regex\":\"(\"},\"behavior\":\"Isolated\"} | expected a regular expression that Java can read",
        "decoder | {\"type\":\"WordPiece\"} | expected one of Sequence, ByteLevel",
        "model.merges | [[\"a\",\"\u00e9\"]] | merge 0 is",
        "model.vocab | {\"a\":-1} | gives a the id -1"})
    void whatIsNotKnownIsRefused(String field, String value, String message) {
        JsonObject root = Json.read(file("gpt2.json")).object();
        JsonObject at = field.startsWith("model.") ? root.getAsJsonObject("model") : root;
        at.add(field.replace("model.", ""), Json.parse("{\"v\":" + value + "}").get("v"));
        String said =
                assertThrows(UserError.class, () -> TokenizerJson.of(Json.of(Path.of("t.json"), root), Map.of()))
                        .getMessage();
        assertTrue(said.startsWith("t.json") && said.contains(message), said);
    }

    @Test
    void itSaysWhatItIs() {
        Tokenizer gpt2 = Tokenizers.open(file("gpt2.json").toString());
        assertEquals("byte-level BPE, 602 tokens", gpt2.description());
        assertEquals(602, gpt2.vocabSize());
        assertEquals(OptionalInt.of(0), gpt2.endOfText());
        assertEquals("no token has id 602; the vocabulary is byte-level BPE, 602 tokens",
                assertThrows(IllegalArgumentException.class, () -> gpt2.bytes(602)).getMessage());
        int[] half = gpt2.encode("\ud83d\ude42");
        assertEquals("<0xF0>", gpt2.text(half[0]));
    }
}
