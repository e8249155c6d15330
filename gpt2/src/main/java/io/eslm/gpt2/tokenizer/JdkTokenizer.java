// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The vocabulary of the demo: a byte-level BPE of 4,096 tokens that {@link BpeTrainer} has learned from the sources of JDK 25.0.3,
 * without the held-out documents ({@code prepare --in jdk --vocab-size 4096}). GPT-2's has twelve times as many, most of which these
 * sources never use, and a small model spends its time on them: the head of the demo's model is 88 % of its multiply-adds with GPT-2's
 * tokens, and 40 % with these.
 */
final class JdkTokenizer {
    private static final String MERGES = "jdk-merges.txt";

    /** Made when it is first asked for. */
    private static final class Holder {
        static final Tokenizer INSTANCE = read();
    }

    private JdkTokenizer() {
    }

    static Tokenizer open() {
        return Holder.INSTANCE;
    }

    private static Tokenizer read() {
        var vocabulary = new BpeVocabulary(List.of(Gpt2Tokenizer.END_OF_TEXT_LITERAL));
        try (var in = new BufferedReader(
                new InputStreamReader(JdkTokenizer.class.getResourceAsStream(MERGES), StandardCharsets.UTF_8))) {
            in.lines().filter(line -> !line.startsWith("#version")).forEach(line -> {
                int space = line.indexOf(' ');
                vocabulary.merge(vocabulary.id(line.substring(0, space)), vocabulary.id(line.substring(space + 1)));
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return vocabulary.tokenizer();
    }
}
