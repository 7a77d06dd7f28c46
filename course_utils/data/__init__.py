"""The data that the chapters train on."""
