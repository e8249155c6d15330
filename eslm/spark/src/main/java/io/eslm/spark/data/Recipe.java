// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.data.TextEncoder;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileTrees;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.util.SerializableConfiguration;

/**
 * What every task of a job knows.
 *
 * @param sources as they are written, with another word for the place
 * @param tokenizer its files; none for GPT-2's
 * @param label of the tokenizer
 * @param specials whether a special token's text is that token
 * @param scratch folder for what tasks leave for later ones
 */
record Recipe(List<String> sources, Map<String, byte[]> tokenizer, String label, boolean specials, String scratch,
        SerializableConfiguration hadoop) implements Serializable {
    /** Of this executor, by their labels. */
    private static final Map<String, Tokenizer> OPENED = new ConcurrentHashMap<>();
    private static final String SOMEWHERE = "somewhere";

    static Recipe of(List<DataSpec.Source> sources, TextEncoder encoder, String scratch, Configuration hadoop) {
        Tokenizer tokenizer = encoder.tokenizer();
        return new Recipe(sources.stream().map(source -> source.at(SOMEWHERE).text()).toList(),
                tokenizer instanceof Gpt2Tokenizer ? Map.of() : new HashMap<>(tokenizer.files()),
                Tokenizers.label(tokenizer), encoder.specials(), scratch, new SerializableConfiguration(hadoop));
    }

    /** The sources, each somewhere. */
    List<DataSpec.Source> parsed() {
        return sources.stream().map(text -> DataSpec.parse(text).sources().getFirst()).toList();
    }

    Configuration conf() {
        return hadoop.value();
    }

    HadoopFolder folder() throws IOException {
        return new HadoopFolder(scratch, conf());
    }

    TextEncoder encoder() {
        return new TextEncoder(OPENED.computeIfAbsent(label, _ -> open()), specials);
    }

    private Tokenizer open() {
        if (tokenizer.isEmpty()) {
            return new Gpt2Tokenizer();
        }
        try {
            Path folder = Files.createTempDirectory("eslm-tokenizer-");
            try {
                for (Map.Entry<String, byte[]> file : new TreeMap<>(tokenizer).entrySet()) {
                    Files.write(folder.resolve(file.getKey()), file.getValue());
                }
                return Tokenizers.inFolder(folder).orElseThrow(
                        () -> new UserError("the tokenizer (" + label + ") cannot be opened from its own files"));
            } finally {
                FileTrees.delete(folder);
            }
        } catch (IOException e) {
            throw FileErrors.failed("write a tokenizer to", Path.of(System.getProperty("java.io.tmpdir")), e);
        }
    }
}
