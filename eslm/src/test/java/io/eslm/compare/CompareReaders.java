// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import com.google.gson.JsonObject;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The readers of a comparison's folder, on the bytes of one of its files. */
public final class CompareReaders {
    private CompareReaders() {
    }

    /** Shows the comparison, and adds the same methods and seeds to it. */
    public static void settings(byte[] bytes, Path folder) throws IOException {
        Files.write(folder.resolve(Comparison.SETTINGS), bytes);
        show(folder);
        Json settings = Json.of(Path.of("comparison.json"), bytes);
        JsonObject asked = Json.parse("{\"commit\":\"c\",\"machine\":{},\"methods\":{\"clm\":\"clm\"},\"seeds\":[1],"
                + "\"tasks\":{\"piqa\":{\"n\":1,\"data_sha256\":\"ab\"}}}");
        for (String common : List.of("data", "split", "model", "tokens")) {
            asked.add(common, settings.object().get(common));
        }
        JsonObject options = OptionValues.fromJson(TrainOptions.GROUP, settings.child("options")).toJson();
        options.remove("seed");
        asked.add("options", options);
        CompareFolder.open(folder, asked);
    }

    /** The last evaluation of a run. */
    public static void evaluation(byte[] bytes, Path folder) throws IOException {
        Files.write(Comparison.folder(folder, 1, "clm").resolve(ComparedRun.FINAL), bytes);
        show(folder);
    }

    /** What a run reaches in tasks. */
    public static void tasks(byte[] bytes, Path folder) throws IOException {
        Files.write(Comparison.folder(folder, 1, "clm").resolve("tasks.json"), bytes);
        show(folder);
    }

    private static void show(Path folder) {
        Comparison comparison = Comparison.read(folder);
        comparison.text();
        comparison.json();
        ComparisonHtml.of(comparison);
    }
}
