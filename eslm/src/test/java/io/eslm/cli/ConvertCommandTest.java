// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConvertCommandTest {
    @TempDir
    Path dir;
    private Path run;
    private Path ids;

    @BeforeEach
    void train() throws IOException {
        run = dir.resolve("run");
        ids = Files.writeString(dir.resolve("ids.txt"), "1 2 3 5 8 13 21 34 55 1 2 3");
        Program.train(Program.tokens(dir.resolve("data")), run, "--max-iters", "2", "--method", "clm").ok();
    }

    private String scores(Path model) {
        return Program.run("score", "--model", model.toString(), "--tokens", ids.toString(), "--backend", "scalar").ok()
                .out();
    }

    @Test
    void aRunGoesOutAndComesBackThroughEveryFormat() {
        String expected = scores(run);
        Path in = run;
        for (String name : new String[] {"model.bin", "model.gguf", "folder"}) {
            Path out = dir.resolve(name);
            Program.Outcome o = Program.run("convert", "--in", in.toString(), "--out", out.toString()).ok();
            assertTrue(o.err().contains(in == run ? "model folder" : in.toString()), o.err());
            assertTrue(o.err().contains("blocks 2, heads 2, width 16, context 16, token ids 64"), o.err());
            assertTrue(o.out().startsWith("wrote " + out), o.out());
            assertEquals(expected, scores(out), "every command takes the file itself");
            in = out;
        }
        Program.Outcome o = Program.run("diff", "--model", run.toString(), "--model",
                dir.resolve("model.gguf").toString());
        assertEquals(0, o.code(), o.err());
        Program.train(dir.resolve("data"), dir.resolve("tuned"), "--max-iters", "1", "--init-from",
                dir.resolve("model.bin").toString());
        assertTrue(Files.isDirectory(dir.resolve("tuned/checkpoints")));
    }

    @Test
    void saysWhatIsWrong() {
        Path out = dir.resolve("model.gguf");
        Program.Outcome o = Program.run("convert", "--in", dir.resolve("absent").toString(), "--out", out.toString());
        assertEquals(1, o.code());
        assertTrue(o.err().contains("absent: no such folder"), o.err());
        o = Program.run("convert", "--in", run.toString(), "--out", run.toString(), "--to", "hf");
        assertEquals(1, o.code());
        assertTrue(o.err().contains("exists already"), o.err());
        o = Program.run("convert", "--in", run.toString(), "--out", out.toString(), "--to", "onnx");
        assertTrue(o.code() != 0 && o.err().contains("hf or llmc or gguf"), o.err());
        o = Program.run("convert", "--in", run.toString(), "--out", out.toString(), "--type", "bf16");
        assertEquals(1, o.code());
        assertTrue(o.err().contains("choose f32, f16 or q8_0"), o.err());
        assertFalse(Files.exists(out));
    }
}
