// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.data.Progress;
import io.eslm.gpt2.data.TextEncoder;
import io.eslm.gpt2.option.Option;
import io.eslm.spark.Job;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** A corpus that a job reads, in parts. */
final class CorpusJob {
    /** How finely the corpus is cut. */
    static final Option<Integer> PARTS = Option.count("parts", "parts to cut the corpus into, each the work of a task")
            .must("be at least 1", n -> n >= 1).defaultsTo("256 of 1 to 128 MiB, more of a larger corpus", _ -> null);

    private static final long LEAST_BYTES = 1 << 20;
    private static final long MOST_BYTES = 1 << 27;
    private static final int USUAL_PARTS = 256;
    /** Raised when the files that tasks leave change. */
    private static final int VERSION = 1;

    private final Corpus corpus;
    private final DataSpec spec;
    private final TextEncoder encoder;
    private final Configuration conf;

    private CorpusJob(Corpus corpus, DataSpec spec, TextEncoder encoder, Configuration conf) {
        this.corpus = corpus;
        this.spec = spec;
        this.encoder = encoder;
        this.conf = conf;
    }

    /** Finds the files of a corpus, and what they are. */
    static CorpusJob open(DataSpec spec, TextEncoder encoder, boolean followLinks, Configuration conf, Job job,
            Progress progress) {
        Recipe recipe = Recipe.of(spec.sources(), encoder, "", conf);
        return new CorpusJob(Corpus.open(spec, followLinks, recipe, job, progress), spec, encoder, conf);
    }

    Corpus corpus() {
        return corpus;
    }

    /** The parts, about as many as are asked for. */
    List<Part> parts(Optional<Integer> asked) {
        long bytes = corpus.bytes();
        return Part.cut(corpus.slices(), asked.map(n -> Math.max(1, Math.ceilDiv(bytes, n)))
                .orElseGet(() -> Math.clamp(bytes / USUAL_PARTS, LEAST_BYTES, MOST_BYTES)));
    }

    /** For tasks that leave what they have done in the folder {@code scratch}. */
    Recipe recipe(String scratch) {
        return Recipe.of(spec.sources(), encoder, scratch, conf);
    }

    /**
     * Equal for jobs whose tasks leave equal files.
     *
     * @param work what tasks do with the documents
     */
    String identity(List<Part> parts, String work) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            String head = VERSION + "\n" + work + "\n" + recipe("").sources() + "\n" + recipe("").label()
                    + encoder.specials() + "\n";
            digest.update(head.getBytes(StandardCharsets.UTF_8));
            for (Part part : parts) {
                digest.update(part.toString().getBytes(StandardCharsets.UTF_8));
            }
            return HexFormat.of().formatHex(digest.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    /** The path of a folder to write, with its file system. */
    static String qualified(String folder, Configuration conf) {
        try {
            Path path = new Path(folder);
            FileSystem files = path.getFileSystem(conf);
            Path absolute = HadoopFile.isLocal(files.getUri()) && !path.isAbsolute()
                    ? new Path(java.nio.file.Path.of(folder).toAbsolutePath().toUri()) : path;
            return files.makeQualified(absolute).toString();
        } catch (IOException e) {
            throw new UserError("cannot reach " + folder + ": " + FileErrors.reason(e), e);
        } catch (IllegalArgumentException e) {
            throw new UserError(folder + " is no path: " + e.getMessage(), e);
        }
    }

    /** Refuses to write into a folder that is read. */
    void checkOutside(String out) {
        for (DataSpec.Source source : spec.sources()) {
            String in = source.isPattern() ? null : qualified(source.location(), conf);
            if (in != null && (out + "/").startsWith(in + "/")) {
                throw new UserError(
                        "the folder " + out + " would be inside its own source " + source.location()
                                + ". Choose another folder.");
            }
        }
    }
}
