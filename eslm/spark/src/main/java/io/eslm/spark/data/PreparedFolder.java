// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.ContentHash;
import io.eslm.gpt2.data.Meta;
import io.eslm.gpt2.data.TextEncoder;
import io.eslm.gpt2.data.TokenFolder;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.spark.Job;
import io.eslm.spark.SharedFolder;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.broadcast.Broadcast;

/** The folder that a preparation writes, on a file system that all hosts see, and the one beside it in which it is made. */
final class PreparedFolder {
    static final String UNFINISHED = ".unfinished-";
    private static final String SEEN = "seen-by-the-driver";
    private static final String OURS = "(" + TokenFolder.TRAIN_PART + '|' + TokenFolder.VAL_PART + ")(-\\d+)?\\.bin";
    private static final int CHUNKS = 512;

    private final HadoopFolder out;
    private final HadoopFolder scratch;
    private final Recipe recipe;
    private final Job job;

    /** Makes the metadata, when the files and their hashes are known. */
    @FunctionalInterface
    interface Describe {
        Meta of(Map<String, Long> files, Map<String, String> hashes);
    }

    PreparedFolder(String folder, Recipe recipe, Job job) throws IOException {
        this.out = new HadoopFolder(folder, recipe.conf());
        this.scratch = recipe.folder();
        this.recipe = recipe;
        this.job = job;
        if (out.isFile()) {
            throw new UserError(out + " is a file. Name a folder to prepare.");
        }
        share(scratch);
    }

    /** Makes a folder for what tasks leave, with a file that they look for. */
    static void share(HadoopFolder scratch) throws IOException {
        scratch.make();
        scratch.write(SEEN, _ -> {});
    }

    /** Deletes what tasks have left. */
    static void deleteScratch(HadoopFolder out) throws IOException {
        for (String name : out.names()) {
            if (name.startsWith(UNFINISHED)) {
                out.delete(name);
            }
        }
    }

    /** Where tasks leave what they have done, for a job of that identity. */
    static String scratch(String folder, String identity) {
        return folder + "/" + UNFINISHED + identity;
    }

    /**
     * In a task.
     *
     * @throws UserError if this host does not see the folder
     */
    static void checkShared(HadoopFolder scratch) throws IOException {
        if (!scratch.has(SEEN)) {
            throw new UserError(
                    scratch + ": " + SharedFolder.host()
                            + " does not see this folder as the driver does. Name one that all "
                            + "hosts share: hdfs://…, s3a://…, or a mounted folder");
        }
    }

    /** Lets tasks write the files, and moves them into place. */
    Meta write(Layout layout, long shardTokens, TextEncoder encoder, Describe describe) throws IOException {
        Map<String, Long> files = new LinkedHashMap<>();
        Map<String, String> hashes = new LinkedHashMap<>();
        write(TokenFolder.TRAIN_PART, layout.train(), layout.trainTokens(), shardTokens, encoder.width(), files,
                hashes);
        write(TokenFolder.VAL_PART, layout.val(), layout.valTokens(), shardTokens, encoder.width(), files, hashes);
        Meta meta = describe.of(files, hashes);
        for (String name : out.names()) {
            if (name.matches(OURS)) {
                out.delete(name);
            }
        }
        for (String name : files.keySet()) {
            out.take(scratch, name);
        }
        for (Map.Entry<String, byte[]> file : encoder.tokenizer().files().entrySet()) {
            out.delete(file.getKey());
            out.write(file.getKey(), to -> to.write(file.getValue()));
        }
        for (String name : Tokenizers.othersThan(encoder.tokenizer())) {
            out.delete(name);
        }
        writeMeta(meta);
        deleteScratch(out);
        return meta;
    }

    private void writeMeta(Meta meta) throws IOException {
        Path folder = Files.createTempDirectory("eslm-meta-");
        Path file = folder.resolve(Meta.FILE);
        try {
            meta.write(file);
            byte[] bytes = Files.readAllBytes(file);
            out.delete(Meta.FILE);
            out.write(Meta.FILE, to -> to.write(bytes));
        } finally {
            Files.deleteIfExists(file);
            Files.delete(folder);
        }
    }

    private void write(String part, List<Layout.Run> runs, long tokens, long shardTokens, int width,
            Map<String, Long> files, Map<String, String> hashes) {
        List<Shards.Shard> shards = new ArrayList<>();
        for (long begin = 0; begin < tokens; begin += shardTokens) {
            long end = Math.min(tokens, begin + shardTokens);
            String name = tokens <= shardTokens ? TokenFolder.whole(part) : TokenFolder.shard(part, shards.size());
            shards.add(new Shards.Shard(name, width, Layout.slice(runs, begin, end)));
            files.put(name, end - begin);
        }
        if (shards.isEmpty()) {
            return;
        }
        List<byte[]> chunks = job.run("write " + shards.size() + " files of tokens", context -> {
            Broadcast<Recipe> shared = context.broadcast(recipe);
            return context.parallelize(shards, shards.size()).map(shard -> Tasks.run("cannot write " + shard.name(),
                    () -> Shards.write(shared.value().folder(), shard))).collect();
        });
        if (shards.size() == 1) {
            hashes.put(TokenFolder.whole(part), ContentHash.ofChunks(chunks));
            return;
        }
        hashes.put(TokenFolder.whole(part), shardTokens * width % ContentHash.CHUNK == 0 ? ContentHash.ofChunks(chunks)
                : across(shards.stream().map(Shards.Shard::name).toList(), tokens * width));
        for (int i = 0; i < shards.size(); i++) {
            hashes.put(shards.get(i).name(), ContentHash.ofChunks(List.of(chunks.get(i))));
        }
    }

    private record Stretch(long begin, long end) implements Serializable {
    }

    /** The hash of files as one, where chunks cross their borders. */
    private String across(List<String> names, long bytes) {
        List<Stretch> stretches = new ArrayList<>();
        long step = (long) CHUNKS * ContentHash.CHUNK;
        for (long begin = 0; begin < bytes; begin += step) {
            stretches.add(new Stretch(begin, Math.min(bytes, begin + step)));
        }
        return ContentHash.ofChunks(job.run("hash " + names.size() + " files", context -> {
            Broadcast<Recipe> shared = context.broadcast(recipe);
            return context.parallelize(stretches, stretches.size()).map(s -> Tasks.run(shared.value().scratch(),
                    () -> Shards.chunks(shared.value().folder(), names, s.begin, s.end))).collect();
        }));
    }
}
