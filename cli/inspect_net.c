#include <stdlib.h>

#include "cli/cli.h"
#include "cli/inspect.h"

void inspect_print_rows(const net *n, const net_row *rows, int count) {
    char parameters[32];
    printf("%-28s %-22s %-18s %14s %12s\n", "layer", "type", "output", "parameters", "MFLOP");
    printf("%-28s %-22s %-18s\n", "input", "", shape_text(net_input(n)));
    for (int i = 0; i < count; i++)
        printf("%-28s %-22s %-18s %14s %12.3f\n", rows[i].path, rows[i].type, shape_text(rows[i].out), inspect_number(rows[i].parameters, parameters),
               rows[i].flops / 1e6);
    printf("%-28s %-22s %-18s %14s %12.3f\n", "all", "", "", inspect_number(net_parameters(n), parameters), net_flops(n) / 1e6);
}

json_t *inspect_rows_json(const net *n, const net_row *rows, int count) {
    json_t *layers = json_array(), *heads = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(layers,
                              json_pack("{ss ss so sI sf}", "path", rows[i].path, "type", rows[i].type, "output", inspect_shape_json(rows[i].out),
                                        "parameters", (json_int_t)rows[i].parameters, "flops", rows[i].flops));
    for (int i = 0; i < net_heads(n); i++) json_array_append_new(heads, json_string(net_head_name(n, i)));
    return json_pack("{ss so so so sI sf so}", "kind", "network", "input", inspect_shape_json(net_input(n)), "output",
                     inspect_shape_json(net_output(n)), "heads", heads, "parameters", (json_int_t)net_parameters(n), "flops", net_flops(n), "layers",
                     layers);
}

int inspect_net(const char *path, bool json) {
    net *n;
    net_row *rows = NULL;
    int count = 0;
    if (net_read(path, 0, &n) != FOIL_OK) return cli_failed("inspect");
    if (net_rows(n, &rows, &count) != FOIL_OK) {
        net_free(n);
        return cli_failed("inspect");
    }
    int status = EXIT_DONE;
    if (json)
        status = cli_print_json("inspect", inspect_rows_json(n, rows, count), 9);
    else
        inspect_print_rows(n, rows, count);
    free(rows);
    net_free(n);
    return status;
}
