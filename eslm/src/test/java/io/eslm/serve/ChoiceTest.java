// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.gpt2.generate.TokenLogprobs;
import io.eslm.gpt2.tokenizer.ByteTokenizer;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.serve.CompletionRequest.Prompt;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Texts from tokens that are bytes: every character beyond ASCII, and every stop string, lies across several. */
class ChoiceTest {
    private static final Tokenizer BYTES = new ByteTokenizer();

    private static Choice choice(boolean echo, String prompt, String... stops) {
        Prompt p = new Prompt(prompt, BYTES.encode(prompt));
        return new Choice(0, p, new CompletionRequest(List.of(p), 100, 1, 0, 1, 1, echo, 1, List.of(stops), true,
                false, 0), BYTES);
    }

    private static TokenLogprobs certain(int id) {
        return new TokenLogprobs(id, -0.5, new int[] {id}, new double[] {-0.5});
    }

    /** Feeds the bytes of {@code text}; returns the parts that are sent, with the last one empty of text or not. */
    private static List<JsonObject> feed(Choice choice, String text) {
        List<JsonObject> parts = new ArrayList<>();
        for (int id : BYTES.encode(text)) {
            boolean more = choice.token(id, certain(id));
            JsonObject part = choice.take();
            if (part != null) {
                parts.add(part);
            }
            if (!more) {
                return parts;
            }
        }
        choice.end(false);
        parts.add(choice.take());
        return parts;
    }

    private static String text(List<JsonObject> parts) {
        StringBuilder all = new StringBuilder();
        parts.forEach(part -> all.append(part.get("text").getAsString()));
        return all.toString();
    }

    private static String all(List<JsonObject> parts, String list) {
        StringBuilder all = new StringBuilder();
        parts.forEach(part -> part.getAsJsonObject("logprobs").getAsJsonArray(list)
                .forEach(e -> all.append(e.isJsonPrimitive() && e.getAsJsonPrimitive().isString() ? e.getAsString() : e)
                        .append(' ')));
        return all.toString();
    }

    @Test
    void noPartHasHalfACharacter() {
        String text = "añ🌱b";
        List<JsonObject> parts = feed(choice(false, ""), text);
        assertEquals(List.of("a", "ñ", "🌱", "b", ""), parts.stream().map(p -> p.get("text").getAsString()).toList());
        assertEquals("a bytes:\\xc3 bytes:\\xb1 bytes:\\xf0 bytes:\\x9f bytes:\\x8c bytes:\\xb1 b ",
                all(parts, "tokens"));
        assertEquals("0 1 1 2 2 2 2 3 ", all(parts, "text_offset"), "characters, not units of UTF-16");
        assertEquals("length", parts.getLast().get("finish_reason").getAsString());
        assertTrue(parts.getFirst().get("finish_reason").isJsonNull());
    }

    @Test
    void aCharacterThatIsNeverCompleteIsShownOnce() {
        Choice choice = choice(false, "");
        assertTrue(choice.token(0xF0, certain(0xF0)));
        assertNull(choice.take());
        assertTrue(choice.token(0x9F, certain(0x9F)));
        choice.end(false);
        JsonObject last = choice.take();
        assertEquals("\uFFFD", last.get("text").getAsString());
        assertEquals("0 0 ", all(List.of(last), "text_offset"));
        assertNull(choice.take(), "nothing more");
    }

    @Test
    void aStopStringAndItsTokensAreLeftOut() {
        List<JsonObject> parts = feed(choice(false, "", "🌱b", "zz"), "xañ🌱🌱bcd");
        assertEquals("xañ🌱", text(parts));
        assertEquals("0 1 2 2 3 3 3 3 ", all(parts, "text_offset"));
        assertEquals("stop", parts.getLast().get("finish_reason").getAsString());
        assertEquals("xaz", text(feed(choice(false, "", "🌱b", "zz"), "xaz")), "what only began one is no stop string");
    }

    @Test
    void echoBeginsWithThePromptWhoseFirstTokenNothingPredicts() {
        Choice choice = choice(true, "né", "é");
        choice.prompt(List.of(certain(0xC3), certain(0xA9)));
        List<JsonObject> parts = new ArrayList<>(List.of(choice.take()));
        parts.addAll(feed(choice, "ab"));
        assertEquals("néab", text(parts), "a stop string in the prompt ends nothing");
        assertEquals("n bytes:\\xc3 bytes:\\xa9 a b ", all(parts, "tokens"));
        assertEquals("null -0.5 -0.5 -0.5 -0.5 ", all(parts, "token_logprobs"));
        assertTrue(all(parts, "top_logprobs").startsWith("null {\"bytes:"), all(parts, "top_logprobs"));
        assertEquals("0 1 1 2 3 ", all(parts, "text_offset"));
    }

    @Test
    void endOfTextHasALogProbabilityAndNoText() {
        Choice choice = choice(false, "");
        assertTrue(choice.token('a', certain('a')));
        choice.endOfText(certain(BYTES.endOfText().orElse(0)));
        choice.end(true);
        JsonObject part = choice.take();
        assertEquals("a", part.get("text").getAsString());
        assertEquals("0 1 ", all(List.of(part), "text_offset"));
        assertEquals("stop", part.get("finish_reason").getAsString());
        assertEquals(2, choice.made());
    }

    /** Two ids may have one text. The likelier one is told, so that a token that is not the likeliest never looks so. */
    @Test
    void ofTokensWithTheSameTextTheLikelierOneStays() {
        TokenList list = new TokenList(BYTES);
        list.add('b', new TokenLogprobs('b', -3, new int[] {'a', 'a'}, new double[] {-1, -2}), 0);
        assertEquals("{\"a\":-1.0,\"b\":-3.0}", list.take(1).getAsJsonArray("top_logprobs").get(0).toString());
    }
}
