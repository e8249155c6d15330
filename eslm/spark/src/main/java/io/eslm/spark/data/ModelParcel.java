// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.WeightFormat;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.source.Records;
import io.eslm.spark.Cluster;
import io.eslm.spark.SharedFolder;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileTrees;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.spark.SparkEnv;
import org.apache.spark.SparkFiles;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * A model that every executor fetches once, and holds once. Its tasks take turns, because one computes with all cores of its
 * executor; meanwhile others read.
 *
 * @param name of the folder that it becomes on an executor
 * @param hashes of its files, so that equal models are known
 * @param threads 0 for all cores of the executor
 */
record ModelParcel(String name, String hashes, String backend, int threads, WeightFormat format)
        implements Serializable {
    /** The models of this executor. */
    private static final Map<String, Gpt2> LOADED = new HashMap<>();

    /** Gives the model in {@code folder} to all executors. */
    static ModelParcel send(Path folder, String backend, int threads, WeightFormat format, JavaSparkContext context) {
        Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
        try {
            Path scratch = Files.createTempDirectory(temporary, "eslm-model-");
            FileTrees.deleteAtExit(scratch); // executors may come later
            Path model = scratch.resolve("model");
            try (Backend reader = Backends.open("scalar", 1)) {
                ModelFolder.save(ModelFolder.load(folder, reader), model);
            }
            List<Path> files;
            try (Stream<Path> all = Files.list(model)) {
                files = all.sorted().toList();
            }
            StringBuilder hashes = new StringBuilder();
            for (Path file : files) {
                hashes.append(Records.sha256(file));
            }
            String name = "eslm-model-" + Integer.toHexString(hashes.toString().hashCode());
            Path zip = scratch.resolve(name + ".zip");
            pack(files, zip);
            FileTrees.delete(model);
            context.sc().addArchive(zip.toUri() + "#" + name);
            return new ModelParcel(name, hashes.toString(), backend, threads, format);
        } catch (IOException e) {
            throw FileErrors.failed("write a copy of the model to", temporary, e);
        }
    }

    private static void pack(List<Path> files, Path zip) throws IOException {
        try (ZipOutputStream out = new ZipOutputStream(new BufferedOutputStream(Files.newOutputStream(zip)))) {
            out.setLevel(Deflater.NO_COMPRESSION);
            for (Path file : files) {
                out.putNextEntry(new ZipEntry(file.getFileName().toString()));
                Files.copy(file, out);
                out.closeEntry();
            }
        }
    }

    /** In a task: computes with the model, when it is this task's turn. */
    <T> T compute(Function<Gpt2, T> work) {
        synchronized (LOADED) {
            return work.apply(LOADED.computeIfAbsent(hashes, _ -> load()));
        }
    }

    private Gpt2 load() {
        int cores = Cluster.cores(SparkEnv.get().conf()).orElseGet(Runtime.getRuntime()::availableProcessors);
        Path folder = Path.of(SparkFiles.get(name));
        UserError.check(Files.isDirectory(folder), "%s: the model has not come to %s. Start again", folder,
                SharedFolder.host());
        return ModelFolder.load(folder, Backends.open(backend, threads == 0 ? cores : threads), format);
    }
}
