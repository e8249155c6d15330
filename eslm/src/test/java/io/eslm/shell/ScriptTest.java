// SPDX-License-Identifier: Apache-2.0
package io.eslm.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Snippets run in order, values show themselves, and what fails is named by its line. */
class ScriptTest {
    private static Script shell;

    @BeforeAll
    static void open() {
        shell = new Script();
    }

    @AfterAll
    static void close() {
        shell.close();
    }

    private static List<String> values(String code) {
        List<String> values = new ArrayList<>();
        shell.run("a.jsh", code, 0, done -> values.add(done.name() + " = " + done.value()));
        return values;
    }

    @Test
    void valuesShowThemselves() {
        assertEquals(List.of("x = \n[[1.0, 2.0],\n [3.0, 4.0]] (2, 2) F32"),
                values("var x = tensor(1, 2, 3, 4).reshape(2, 2)"));
        assertEquals(List.of("v = constant: \n[[1.0, 2.0],\n [3.0, 4.0]] (2, 2) F32"),
                values("var v = tape.constant(x);"));
        assertEquals("[0.0, 1.0] (2) F32",
                values("x.rows(0, 1).reshape(2).to(backend); tensor(0, 1)").getLast().replaceFirst(".* = ", ""));
        assertEquals(List.of("s = \"a\\nb\""), values("String s = \"a\\nb\";"));
    }

    @Test
    void everythingIsAtHand() {
        assertEquals("(1, 5, 128)",
                values("model.logits(model.forward(tape, letters(\"hello\"))).value().reshape(1, 5, 128).shape()")
                        .getFirst().replaceFirst(".* = ", ""));
        values("Linear l = Linear.of(backend, 2, 3, Rng.of(1)); Module m = l; LayerNorm n; Objective o = new Objective.Mean(); ValueAtRisk r; "
                + "Probes p; Unary u = Unary.ABS; Run run; ModelFolder f; Gpt2Tokenizer g; Chart c; Sampling sa; SampleSource so;");
        values("import jdk.incubator.vector.*;\nint lanes = FloatVector.SPECIES_PREFERRED.length();");
    }

    @Test
    void codeMaySpanLinesAndUseWhatComesLater() {
        assertEquals("20", values("""
                // a comment

                int twice(int n) {
                    return factor() * n;
                }
                int factor() { return 2; }
                if (factor() == 2)
                    twice(1);
                else
                    twice(2);
                int result = twice(
                        10);
                String text = String.valueOf(result)
                        .concat("0");
                int last = result;
                """).getLast().replaceFirst(".* = ", ""));
    }

    @Test
    void exitEndsTheScript() {
        assertEquals(1, values("int one = 1;\n/exit\nno java").size());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~',
            textBlock = """
                    int a = 1;\\nint b = a + c;              | a.jsh:2: cannot find symbol, symbol:   variable c, location: class
                    \\n\\nint b = 3 +* 4;                    | a.jsh:3: illegal start of expression
                    int a = 1;\\nint[] b = {1,\\n2           | a.jsh:2: the code ends in the middle of this statement
                    int a = 1;\\n\\n/open b.jsh              | a.jsh:3: /open is a command of the interactive shell; a script is Java, and /exit ends it
                    void f() {\\n  int[] x = {};\\n  x[\\n1]++;\\n}\\n\\nf(); | a.jsh:3: ArrayIndexOutOfBoundsException: Index 1 out of bounds for length 0 (called from a.jsh:7)
                    ;\\nBackends.open("none", 0);            | a.jsh:2: backend none: no such backend. Choose one of auto
                    \\ntape.constant(tensor(1)).matmul(tape.constant(tensor(1, 2))) | a.jsh:2: IllegalArgumentException: matmul
                    \\nvoid g() {\\n  missing(3);\\n}         | a.jsh:2: cannot find method missing(int)
                    """)
    void whatFailsIsNamed(String code, String message) {
        try (Script own = new Script()) {
            String text = assertThrows(UserError.class, () -> own.run("a.jsh", code.replace("\\n", "\n"), 0, _ -> {}))
                    .getMessage();
            assertTrue(text.startsWith(message), text);
        }
    }

    @Test
    void linesCountFromTheBeginningOfTheFile() {
        try (Script own = new Script()) {
            own.run("b.md", "int half(int n) {\n    return 1 / n;\n}\n", 10, _ -> {});
            String text = assertThrows(UserError.class, () -> own.run("b.md", "\nhalf(0)", 30, _ -> {})).getMessage();
            assertEquals("b.md:12: ArithmeticException: / by zero (called from b.md:32)", text);
        }
    }

    @Test
    void onlyAsciiHasLetters() {
        assertEquals("letters: 'é' at 3 is not a letter of ASCII, and the small model knows no others",
                assertThrows(IllegalArgumentException.class, () -> AtHand.letters("café")).getMessage());
    }
}
