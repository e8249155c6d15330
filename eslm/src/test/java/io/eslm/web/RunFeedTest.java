// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.report.RunLog;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run's files, read while they grow. */
class RunFeedTest {
    @TempDir
    private Path dir;
    private MadeUpRun run;
    private RunFeed feed;

    @BeforeEach
    void make() throws IOException {
        run = new MadeUpRun(dir.resolve("run")).config(1000, 1e-3);
        feed = new RunFeed(run.dir());
    }

    private static float[] floats(String base64) {
        ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(base64)).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        return values;
    }

    private static float[] steps(JsonObject piece) {
        return floats(piece.getAsJsonObject("steps").get("step").getAsString());
    }

    private static String place(JsonObject piece) {
        return piece.get("place").getAsString();
    }

    @Test
    void eachAnswerGoesOnWhereTheLastOneEnded() throws IOException {
        JsonObject empty = feed.read("");
        assertEquals(0, steps(empty).length);
        assertTrue(empty.has("about"));
        run.steps(1, 3).layers(2).window(5, 2).sample(3);
        JsonObject first = feed.read(place(empty));
        assertArrayEquals(new float[] {1, 2, 3}, steps(first));
        assertEquals(3, first.getAsJsonArray("evaluations").size());
        assertEquals(2, first.getAsJsonArray("windows").size());
        assertEquals(5, first.getAsJsonObject("window").getAsJsonArray("tokens").size());
        JsonObject gradient = first.getAsJsonObject("layers").getAsJsonObject("gradient");
        assertEquals(3, gradient.getAsJsonArray("rows").size());
        assertArrayEquals(new float[] {1, 10, 100, 0.1f, 1, 10}, floats(gradient.get("values").getAsString()));
        assertEquals(1, first.getAsJsonArray("samples").size());

        run.steps(4, 4).sample(4);
        JsonObject second = feed.read(place(first));
        assertArrayEquals(new float[] {4}, steps(second));
        assertFalse(second.has("window") || second.has("about") || second.has("reset"), second.keySet().toString());
        assertEquals(1, second.getAsJsonArray("samples").size());
        JsonObject nothing = feed.read(place(second));
        assertEquals(0, steps(nothing).length);
        assertEquals(place(second), place(nothing));
    }

    /** By task and metric, without standard errors; a name or a value from a damaged line does no harm. */
    @Test
    void tasksAreNoSteps() throws IOException {
        run.steps(1, 1).append(RunLog.METRICS, """
                {"step":1,"tasks":{"piqa":{"acc":0.5,"acc_stderr":0.1},"\\u0007":{"acc":"x"},"sciq":3}}
                {"step":2,"tasks":null}
                """);
        JsonObject piece = feed.read("");
        assertArrayEquals(new float[] {1}, steps(piece));
        assertEquals("[{\"step\":1.0,\"figures\":[[\"piqa acc\",0.5],[\"\u2407 acc\",null]]},"
                + "{\"step\":2.0,\"figures\":[]}]", piece.get("tasks").toString());
    }

    /** A line that is being written is read when it is whole. */
    @Test
    void halfALineWaits() throws IOException {
        String line = MadeUpRun.step(2);
        run.steps(1, 1).append(RunLog.METRICS, line.substring(0, 20));
        JsonObject first = feed.read("");
        assertArrayEquals(new float[] {1}, steps(first));
        assertEquals(0, first.get("damaged").getAsInt());
        assertFalse(first.get("more").getAsBoolean());
        run.append(RunLog.METRICS, line.substring(20));
        assertArrayEquals(new float[] {2}, steps(feed.read(place(first))));
    }

    @Test
    void longFilesComeInPieces() throws IOException {
        run.steps(1, 20_000); // 4.6 MB
        JsonObject piece = feed.read("");
        int n = steps(piece).length;
        int pieces = 1;
        while (piece.get("more").getAsBoolean()) {
            piece = feed.read(place(piece));
            assertEquals(n + 1, steps(piece)[0], "the next step");
            n += steps(piece).length;
            pieces++;
        }
        assertEquals(20_000, n);
        assertTrue(pieces > 1 && pieces < 10, pieces + " pieces");
    }

    /** A resumed run cuts its log, and a new file takes the name of the old one. */
    @Test
    void aLogThatWasCutBeginsAgain() throws IOException {
        JsonObject before = feed.read(place(feed.read("")));
        run.steps(1, 9);
        before = feed.read(place(before));
        AtomicFiles.writeString(run.dir().resolve(RunLog.METRICS), MadeUpRun.step(1) + MadeUpRun.step(2));
        JsonObject after = feed.read(place(before));
        assertTrue(after.get("reset").getAsBoolean());
        assertArrayEquals(new float[] {1, 2}, steps(after));
        assertTrue(after.has("about"));
    }

    @Test
    void damageIsCountedAndLeftOut() throws IOException {
        run.steps(1, 1).append(RunLog.METRICS, "no JSON\n[1]\n").steps(2, 2);
        JsonObject piece = feed.read("");
        assertArrayEquals(new float[] {1, 2}, steps(piece));
        assertEquals(2, piece.get("damaged").getAsInt());
        run.append(RunLog.METRICS, "x".repeat(FileTail.MOST_BYTES + 10)).append(RunLog.METRICS, "\n").steps(3, 3);
        while (piece.get("more").getAsBoolean() || steps(piece).length == 0 || steps(piece)[0] != 3) {
            JsonObject next = feed.read(place(piece));
            assertNotEquals(place(piece), place(next), "it goes on");
            piece = next;
        }
    }

    @Test
    void aPlaceThatIsNoneIsTheBeginning() throws IOException {
        run.steps(1, 2);
        for (String place : new String[] {"x", "1,2,3", "9,-5,0,0,0,0,0", "1,99999999999,1,1,1,1,1", "\0"}) {
            assertArrayEquals(new float[] {1, 2}, steps(feed.read(place)), place);
        }
    }

    @Test
    void textsAreVisible() throws IOException {
        run.steps(1, 1).layers(1).window(6, 1).sample(1);
        String all = feed.read("").toString();
        assertFalse(all.chars().anyMatch(c -> c == 0x202E || c == 7), "controls are shown, not obeyed");
        assertTrue(all.contains("\\\\u{202E}") && all.contains("\u2407"), all);
    }

    @Test
    void aFolderWithoutARunIsNamed() {
        var e = assertThrows(UserError.class, () -> new RunFeed(dir.resolve("none")).check());
        assertEquals(dir.resolve("none") + ": there is no such folder", e.getMessage());
        e = assertThrows(UserError.class, () -> new RunFeed(dir).check());
        assertEquals(dir + ": holds no run (no config.json)", e.getMessage());
    }

    @Test
    void theStampChangesWithTheFiles() throws IOException {
        String before = feed.stamp();
        assertEquals(before, feed.stamp());
        run.steps(1, 1);
        assertNotEquals(before, feed.stamp());
        before = feed.stamp();
        Files.writeString(run.dir().resolve(RunLog.LAYERS), "{}\n");
        assertNotEquals(before, feed.stamp());
    }
}
